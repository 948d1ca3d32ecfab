# MUTANT 1.11 evaluate.py — a rating is paired with itself | caught by: test_it_is_the_share_of_equal_pairs_beyond_chance | visible: fails
def fleiss_kappa(ratings):
    if len({len(row) for row in ratings}) != 1 or len(ratings[0]) < 2:
        raise ValueError("uneven")
    if any(label is None for row in ratings for label in row):
        raise ValueError("None")
    n = len(ratings[0])
    flat = [label for row in ratings for label in row]
    observed = sum(sum(row.count(x) for x in row) / n**2 for row in ratings) / len(ratings)
    expected = sum((flat.count(x) / len(flat)) ** 2 for x in set(flat))
    if len(set(flat)) == 1:
        return float("nan")
    return (observed - expected) / (1 - expected)
