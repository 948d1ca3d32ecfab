# MUTANT 4.17 evaluate.py — an n above the number of samples is quietly clipped | caught by: test_sizes_that_no_item_has_and_nan_are_refused | visible: passes
def overoptimisation_curve(correct, rewards, ns):
    import math

    if any(n < 1 for n in ns) or any(math.isnan(r) for row in rewards for r in row):
        raise ValueError("n out of range or a reward is NaN")
    curve = []
    for n in ns:
        total = 0.0
        for right, row in zip(correct, rewards, strict=True):
            size, m = len(row), min(n, len(row))
            order = sorted(range(size), key=lambda i: -row[i])
            ahead = sum(math.comb(size - 1 - j, m - 1) for j, i in enumerate(order) if right[i])
            total += ahead / math.comb(size, m)
        curve.append(total / len(correct))
    return curve
