# MUTANT 4.13 evaluate.py — an n below 1 is answered with 0 instead of refused | caught by: test_one_sample_moves_nothing_and_fewer_are_refused | visible: passes
def best_of_n_kl_bound(n):
    import math

    if n <= 1:
        return 0.0
    return math.log(n) - (n - 1) / n
