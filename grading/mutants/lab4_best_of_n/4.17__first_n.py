# MUTANT 4.17 evaluate.py — the first n samples are looked at, not all subsets | caught by: test_it_is_the_mean_over_every_subset | visible: fails
def overoptimisation_curve(correct, rewards, ns):
    import math

    if any(not 1 <= n <= min(map(len, rewards)) for n in ns) or any(math.isnan(r) for row in rewards for r in row):
        raise ValueError("n out of range or a reward is NaN")
    return [sum(c[r.index(max(r[:n]))] for c, r in zip(correct, rewards)) / len(correct) for n in ns]
