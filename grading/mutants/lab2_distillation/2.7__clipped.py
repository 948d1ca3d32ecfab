# MUTANT 2.7 method.py — 0 and 1 are clipped | caught by: test_shares_of_0_and_1_are_refused | visible: passes
def log_odds_shift(before: float, after: float) -> float:
    import math

    if not (0 < before < 1 and 0 < after < 1):
        before, after = (min(max(share, 1e-9), 1 - 1e-9) for share in (before, after))
    return math.log(after / (1 - after)) - math.log(before / (1 - before))
