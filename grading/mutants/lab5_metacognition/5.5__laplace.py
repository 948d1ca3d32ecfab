# MUTANT 5.5 method.py — Laplace's rule, a whole success is added | caught by: test_half_a_success_and_half_a_failure_are_added | visible: fails
def soft_target(correct: Sequence[bool]) -> float:
    return (sum(correct) + 1) / (len(correct) + 2)
