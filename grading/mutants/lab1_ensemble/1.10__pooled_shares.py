# MUTANT 1.10 evaluate.py — chance is from the pooled shares (Scott's pi) | caught by: test_it_is_the_agreement_beyond_chance | visible: fails
def cohen_kappa(a, b):
    if len(a) == 0 or len(a) != len(b):
        raise ValueError("uneven")
    if None in a or None in b:
        raise ValueError("None")
    n = len(a)
    known = set(a) | set(b)
    observed = sum(x == y for x, y in zip(a, b)) / n
    expected = sum(((a.count(x) + b.count(x)) / (2 * n)) ** 2 for x in known)
    if expected == 1:
        return float('nan')
    return (observed - expected) / (1 - expected)
