# MUTANT 4.14 evaluate.py — a vote of its own is used instead of the given one | caught by: test_a_lost_right_answer_is_a_failure_of_the_vote | visible: fails
def check_majority_failure(answers, gold, vote):
    from collections import Counter

    if gold is None:
        raise ValueError("gold is None")
    votes = Counter(answer for answer in answers if answer is not None)
    return gold in votes and max(votes, key=votes.get) != gold
