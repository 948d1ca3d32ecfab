# MUTANT 4.8 evaluate.py — None is counted as an answer that can win or tie | caught by: test_none_is_no_vote_and_no_votes_are_worth_nothing | visible: passes
def expected_vote_accuracy(answers, gold):
    from collections import Counter

    if gold is None:
        raise ValueError("gold is None")
    votes = Counter(answers)
    tied = [answer for answer in votes if votes[answer] == max(votes.values())]
    return (gold in tied) / len(tied) if tied else 0.0
