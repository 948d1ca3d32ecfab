# MUTANT 4.7 method.py — ties go to the smallest text, as scipy's or statistics' mode on sorted votes | caught by: test_a_tie_goes_to_the_answer_seen_first | visible: passes
def majority_vote(answers):
    votes = sorted((answer for answer in answers if answer is not None), key=lambda a: (len(a), a), reverse=True)
    return max(votes, key=votes.count) if votes else None
