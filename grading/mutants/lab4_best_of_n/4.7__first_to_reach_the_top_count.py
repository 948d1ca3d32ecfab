# MUTANT 4.7 method.py — a tie goes to the answer that reached the top count first | caught by: test_a_tie_goes_to_the_answer_seen_first | visible: fails
def majority_vote(answers):
    counts, best = {}, None
    for answer in answers:
        if answer is not None:
            counts[answer] = counts.get(answer, 0) + 1
            if best is None or counts[answer] > counts[best]:
                best = answer
    return best
