# MUTANT 4.11 evaluate.py — binomials in floats overflow for many samples | caught by: test_it_stays_exact_for_very_many_samples | visible: passes
def pass_at_k(n, c, k):
    import math

    if not 1 <= k <= n:
        raise ValueError(f"k must be between 1 and n = {n}, found {k}")
    return 1.0 - float(math.comb(n - c, k)) / float(math.comb(n, k))
