# MUTANT 1.10 evaluate.py — None among the labels is accepted | caught by: test_what_has_no_kappa_is_nan_or_refused | visible: passes
def cohen_kappa(a, b):
    if len(a) == 0 or len(a) != len(b):
        raise ValueError("uneven")
    n = len(a)
    observed = sum(x == y for x, y in zip(a, b)) / n
    expected = sum(a.count(x) * b.count(x) for x in set(a)) / n**2
    return (observed - expected) / (1 - expected) if expected < 1 else float("nan")
