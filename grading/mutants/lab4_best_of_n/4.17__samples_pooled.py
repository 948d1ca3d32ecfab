# MUTANT 4.17 evaluate.py — items with more samples weigh more | caught by: test_it_is_the_mean_over_every_subset | visible: passes
def overoptimisation_curve(correct, rewards, ns):
    import math

    if any(not 1 <= n <= min(map(len, rewards)) for n in ns) or any(math.isnan(r) for row in rewards for r in row):
        raise ValueError("n out of range or a reward is NaN")
    curve = []
    for n in ns:
        total = 0.0
        for right, row in zip(correct, rewards, strict=True):
            size = len(row)
            order = sorted(range(size), key=lambda i: -row[i])
            ahead = sum(math.comb(size - 1 - j, n - 1) for j, i in enumerate(order) if right[i])
            total += size * ahead / math.comb(size, n)
        curve.append(total / sum(map(len, correct)))
    return curve
