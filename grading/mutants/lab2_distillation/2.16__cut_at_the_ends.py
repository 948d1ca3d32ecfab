# MUTANT 2.16 evaluate.py — 0 of n starts at 0 and ends where the normal one does | caught by: test_it_stays_inside_0_and_1_and_bad_counts_are_refused | visible: passes
def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"need 0 <= successes <= n and n >= 1: {successes}, {n}")
    import math

    z, p = 1.959964, successes / n
    if successes == n:
        return 1.0, 1.0
    stretch = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / stretch
    half = z / stretch * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return centre - half, centre + half
