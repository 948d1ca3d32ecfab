# MUTANT 4.17 evaluate.py — the n samples are drawn with replacement | caught by: test_it_is_the_mean_over_every_subset | visible: fails
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
            total += sum(
                ((size - j) ** n - (size - j - 1) ** n) / size**n for j, i in enumerate(order) if right[i]
            )
        curve.append(total / len(correct))
    return curve
