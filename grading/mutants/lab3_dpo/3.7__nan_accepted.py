# MUTANT 3.7 method.py — a score of NaN is accepted | caught by: test_equal_scores_go_from_the_back_and_nan_is_refused | visible: passes
def drop_noisiest(scores, share):
    if not 0 <= share < 1:
        raise ValueError(f"share must be at least 0 and below 1, found {share}")
    import math
    from fractions import Fraction

    dropped = math.floor(Fraction(str(float(share))) * len(scores))
    order = sorted(range(len(scores)), key=lambda i: (scores[i], i))  # the last ones go
    return sorted(order[: len(scores) - dropped])
