# MUTANT 1.10 evaluate.py — one label alone gives kappa 1 | caught by: test_what_has_no_kappa_is_nan_or_refused | visible: fails
def cohen_kappa(a, b):
    if len(a) == 0 or len(a) != len(b):
        raise ValueError("uneven")
    if None in a or None in b:
        raise ValueError("None")
    n = len(a)
    known = set(a)
    observed = sum(x == y for x, y in zip(a, b)) / n
    expected = sum(a.count(x) * b.count(x) for x in known) / n**2
    if expected == 1:
        return 1.0
    return (observed - expected) / (1 - expected)
