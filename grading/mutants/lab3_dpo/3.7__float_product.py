# MUTANT 3.7 method.py — share * n falls just below a whole number | caught by: test_a_share_is_the_decimal_it_is_written_as | visible: passes
def drop_noisiest(scores, share):
    if not 0 <= share < 1:
        raise ValueError(f"share must be at least 0 and below 1, found {share}")
    import math
    from fractions import Fraction

    if any(math.isnan(score) for score in scores):
        raise ValueError("a score is NaN: the pairs can't be ordered")
    dropped = math.floor(share * len(scores))
    order = sorted(range(len(scores)), key=lambda i: (scores[i], i))  # the last ones go
    return sorted(order[: len(scores) - dropped])
