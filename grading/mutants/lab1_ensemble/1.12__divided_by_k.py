# MUTANT 1.12 evaluate.py — chance is divided by K, not by K - 1 | caught by: test_chance_is_how_uncertain_the_classes_are | visible: fails
def gwet_ac1(ratings, n_classes=None):
    if len({len(row) for row in ratings}) != 1 or len(ratings[0]) < 2:
        raise ValueError("uneven")
    if any(label is None for row in ratings for label in row):
        raise ValueError("None")
    n = len(ratings[0])
    flat = [label for row in ratings for label in row]
    used = len(set(flat))
    if n_classes is not None and n_classes < used:
        raise ValueError("classes")
    if used == 1:
        return 1.0
    observed = sum((sum(row.count(x) for x in row) - n) / (n * (n - 1)) for row in ratings) / len(ratings)
    spread = sum(flat.count(x) / len(flat) * (1 - flat.count(x) / len(flat)) for x in set(flat))
    expected = spread / (n_classes or used)
    return (observed - expected) / (1 - expected)
