# MUTANT 4.11 evaluate.py — the plug-in 1 - (1 - c/n)^k, which draws with replacement | caught by: test_it_counts_the_subsets_that_hold_a_right_sample | visible: fails
def pass_at_k(n, c, k):
    if not 1 <= k <= n:
        raise ValueError(f"k must be between 1 and n = {n}, found {k}")
    return 1.0 - (1.0 - c / n) ** k
