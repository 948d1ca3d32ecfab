# MUTANT 4.8 evaluate.py — it is divided by the number of different answers, not of the tied | caught by: test_a_tie_is_worth_the_share_of_its_right_answers | visible: passes
def expected_vote_accuracy(answers, gold):
    from collections import Counter

    if gold is None:
        raise ValueError("gold is None")
    votes = Counter(answer for answer in answers if answer is not None)
    if not votes or votes[gold] < max(votes.values()):
        return 0.0
    return 1.0 if list(votes.values()).count(max(votes.values())) == 1 else 1.0 / len(votes)
