# MUTANT 5.5 method.py — the failure is missing in the denominator | caught by: test_half_a_success_and_half_a_failure_are_added | visible: fails
def soft_target(correct: Sequence[bool]) -> float:
    return (sum(correct) + 0.5) / max(len(correct), 1)
