# MUTANT 5.5 method.py — the plain share of right trials | caught by: test_half_a_success_and_half_a_failure_are_added | visible: fails
def soft_target(correct: Sequence[bool]) -> float:
    return sum(correct) / len(correct) if correct else 0.5
