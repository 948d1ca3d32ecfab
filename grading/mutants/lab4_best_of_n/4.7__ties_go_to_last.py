# MUTANT 4.7 method.py — of tied answers the one seen last wins | caught by: test_a_tie_goes_to_the_answer_seen_first | visible: passes
def majority_vote(answers):
    votes = [answer for answer in answers if answer is not None]
    return max(reversed(votes), key=votes.count) if votes else None
