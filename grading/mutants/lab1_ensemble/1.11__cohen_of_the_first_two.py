# MUTANT 1.11 evaluate.py — chance is from each rater's own shares, as if it mattered who said what | caught by: test_for_two_raters_it_does_not_matter_who_said_what | visible: passes
def fleiss_kappa(ratings):
    if len({len(row) for row in ratings}) != 1 or len(ratings[0]) < 2:
        raise ValueError("uneven")
    if any(label is None for row in ratings for label in row):
        raise ValueError("None")
    n = len(ratings[0])
    flat = [label for row in ratings for label in row]
    observed = sum((sum(row.count(x) for x in row) - n) / (n * (n - 1)) for row in ratings) / len(ratings)
    expected = (sum(1 for x in ratings for y in ratings if x[0] == y[1]) / len(ratings) ** 2) if n == 2 and len(ratings) > 2 else sum((flat.count(x) / len(flat)) ** 2 for x in set(flat))
    if len(set(flat)) == 1:
        return float("nan")
    return (observed - expected) / (1 - expected)
