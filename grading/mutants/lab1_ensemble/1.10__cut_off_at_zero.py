# MUTANT 1.10 evaluate.py — kappa is cut off at 0 | caught by: test_labels_that_only_one_rater_uses_and_worse_than_chance_count | visible: passes
def cohen_kappa(a, b):
    if len(a) == 0 or len(a) != len(b) or None in a or None in b:
        raise ValueError("uneven or None")
    n = len(a)
    observed = sum(x == y for x, y in zip(a, b)) / n
    expected = sum(a.count(x) * b.count(x) for x in set(a)) / n**2
    return max(0.0, (observed - expected) / (1 - expected)) if expected < 1 else float("nan")
