# MUTANT 1.10 evaluate.py — chance is 1/K for each label | caught by: test_it_is_the_agreement_beyond_chance | visible: passes
def cohen_kappa(a, b):
    if len(a) == 0 or len(a) != len(b):
        raise ValueError("uneven")
    if None in a or None in b:
        raise ValueError("None")
    n = len(a)
    known = set(a) | set(b)
    observed = sum(x == y for x, y in zip(a, b)) / n
    expected = 1 / len(known)
    if expected == 1:
        return float('nan')
    return (observed - expected) / (1 - expected)
