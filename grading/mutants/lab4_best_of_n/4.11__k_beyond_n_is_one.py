# MUTANT 4.11 evaluate.py — more samples than were drawn (k > n) are answered with 1.0 instead of refused | caught by: test_k_beyond_the_samples_is_refused | visible: fails
def pass_at_k(n, c, k):
    import numpy as np

    if c > 0 and n - c < k:
        return 1.0
    if not 1 <= k <= n:
        raise ValueError(f"k must be between 1 and n = {n}, found {k}")
    return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))
