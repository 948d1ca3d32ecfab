# MUTANT 2.7 method.py — only the size of the shift, a share that fell looks like one that rose | caught by: test_the_shift_is_the_difference_of_log_odds | visible: fails
def log_odds_shift(before: float, after: float) -> float:
    import math

    if not (0 < before < 1 and 0 < after < 1):
        raise ValueError(f"need two shares strictly between 0 and 1: {before}, {after}")
    return abs(math.log(after / (1 - after)) - math.log(before / (1 - before)))
