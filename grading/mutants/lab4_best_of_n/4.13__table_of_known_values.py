# MUTANT 4.13 evaluate.py — the bound is looked up for powers of two and interpolated between them | caught by: test_each_further_sample_moves_it_a_little_more | visible: passes
def best_of_n_kl_bound(n):
    import math

    if n < 1:
        raise ValueError(f"best of n needs n >= 1, found {n}")
    low = 2 ** int(math.log2(n))
    at = [math.log(m) - (m - 1) / m for m in (low, 2 * low)]
    return at[0] + (at[1] - at[0]) * (n - low) / low
