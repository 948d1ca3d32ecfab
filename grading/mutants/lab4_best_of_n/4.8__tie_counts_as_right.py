# MUTANT 4.8 evaluate.py — gold among the tied counts as fully right | caught by: test_a_tie_is_worth_the_share_of_its_right_answers | visible: fails
def expected_vote_accuracy(answers, gold):
    from collections import Counter

    if gold is None:
        raise ValueError("gold is None")
    votes = Counter(answer for answer in answers if answer is not None)
    return float(bool(votes) and votes[gold] == max(votes.values()))
