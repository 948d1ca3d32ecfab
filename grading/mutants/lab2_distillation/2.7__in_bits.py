# MUTANT 2.7 method.py — in bits | caught by: test_the_shift_is_the_difference_of_log_odds | visible: fails
def log_odds_shift(before: float, after: float) -> float:
    import math

    if not (0 < before < 1 and 0 < after < 1):
        raise ValueError(f"need two shares strictly between 0 and 1: {before}, {after}")
    return math.log2(after / (1 - after)) - math.log2(before / (1 - before))
