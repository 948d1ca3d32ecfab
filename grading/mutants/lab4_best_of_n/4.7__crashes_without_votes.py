# MUTANT 4.7 method.py — a question where nobody votes gives an empty text | caught by: test_where_nobody_votes_nobody_wins | visible: passes
def majority_vote(answers):
    from collections import Counter

    votes = Counter(answer for answer in answers if answer is not None)
    return max(votes, key=votes.get) if votes else ""
