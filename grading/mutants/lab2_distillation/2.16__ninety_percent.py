# MUTANT 2.16 evaluate.py — a 90 % interval | caught by: test_the_ends_are_those_of_the_score_test | visible: fails
def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"need 0 <= successes <= n and n >= 1: {successes}, {n}")
    import math

    z, p = 1.644854, successes / n
    stretch = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / stretch
    half = z / stretch * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return centre - half, centre + half
