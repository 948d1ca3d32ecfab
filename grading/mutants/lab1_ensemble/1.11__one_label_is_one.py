# MUTANT 1.11 evaluate.py — one label alone gives kappa 1, not NaN | caught by: test_one_label_has_no_fleiss_kappa_and_bad_tables_are_refused | visible: passes
def fleiss_kappa(ratings):
    if len({len(row) for row in ratings}) != 1 or len(ratings[0]) < 2:
        raise ValueError("uneven")
    if any(label is None for row in ratings for label in row):
        raise ValueError("None")
    n = len(ratings[0])
    flat = [label for row in ratings for label in row]
    observed = sum((sum(row.count(x) for x in row) - n) / (n * (n - 1)) for row in ratings) / len(ratings)
    expected = sum((flat.count(x) / len(flat)) ** 2 for x in set(flat))
    if len(set(flat)) == 1:
        return 1.0
    return (observed - expected) / (1 - expected)
