# MUTANT 4.7 method.py — ties go to the smallest text, because the answers were sorted | caught by: test_a_tie_goes_to_the_answer_seen_first | visible: fails
def majority_vote(answers):
    votes = [answer for answer in answers if answer is not None]
    return max(sorted(set(votes)), key=votes.count) if votes else None
