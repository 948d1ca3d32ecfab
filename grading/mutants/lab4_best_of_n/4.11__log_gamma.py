# MUTANT 4.11 evaluate.py — log-gamma differences lose the digits that small chances need | caught by: test_it_stays_exact_for_very_many_samples | visible: passes
def pass_at_k(n, c, k):
    from math import exp, lgamma

    if not 1 <= k <= n:
        raise ValueError(f"k must be between 1 and n = {n}, found {k}")
    if n - c < k:
        return 1.0
    if c == 0:
        return 0.0
    log = lgamma(n - c + 1) - lgamma(n - c - k + 1) - lgamma(n + 1) + lgamma(n - k + 1)
    return 1.0 - exp(log)
