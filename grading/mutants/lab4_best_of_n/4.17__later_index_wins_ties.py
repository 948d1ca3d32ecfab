# MUTANT 4.17 evaluate.py — of equal rewards the later index wins, because sorting was reversed | caught by: test_of_equal_rewards_the_earlier_sample_wins | visible: passes
def overoptimisation_curve(correct, rewards, ns):
    import math

    if any(not 1 <= n <= min(map(len, rewards)) for n in ns) or any(math.isnan(r) for row in rewards for r in row):
        raise ValueError("n out of range or a reward is NaN")
    curve = []
    for n in ns:
        total = 0.0
        for right, row in zip(correct, rewards, strict=True):
            size = len(row)
            order = sorted(range(size), key=lambda i: row[i])[::-1]
            ahead = sum(math.comb(size - 1 - j, n - 1) for j, i in enumerate(order) if right[i])
            total += ahead / math.comb(size, n)
        curve.append(total / len(correct))
    return curve
