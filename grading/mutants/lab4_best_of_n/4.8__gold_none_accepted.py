# MUTANT 4.8 evaluate.py — a gold of None is never right, but isn't refused either | caught by: test_a_gold_of_none_is_refused | visible: passes
def expected_vote_accuracy(answers, gold):
    from collections import Counter

    votes = Counter(answer for answer in answers if answer is not None)
    tied = [answer for answer in votes if votes[answer] == max(votes.values())]
    return (gold in tied) / len(tied) if tied else 0.0
