# MUTANT 4.13 evaluate.py — the term (n - 1)/n is missing | caught by: test_the_bound_is_the_divergence_of_a_maximum | visible: fails
def best_of_n_kl_bound(n):
    import math

    if n < 1:
        raise ValueError(f"best of n needs n >= 1, found {n}")
    return math.log(n)
