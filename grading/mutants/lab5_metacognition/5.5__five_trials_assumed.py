# MUTANT 5.5 method.py — divides by 6 whatever the number of trials | caught by: test_half_a_success_and_half_a_failure_are_added | visible: passes
def soft_target(correct: Sequence[bool]) -> float:
    return (sum(correct) + 0.5) / 6
