# MUTANT 4.7 method.py — ties go to the answer whose first vote came last | caught by: test_a_tie_goes_to_the_answer_seen_first | visible: fails
def majority_vote(answers):
    counts = {}
    for answer in answers:
        if answer is not None:
            counts[answer] = counts.get(answer, 0) + 1
    best, most = None, 0
    for answer, count in counts.items():
        if count >= most:
            best, most = answer, count
    return best
