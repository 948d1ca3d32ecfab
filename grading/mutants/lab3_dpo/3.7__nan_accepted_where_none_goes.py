# MUTANT 3.7 method.py — NaN is accepted where no pair would be dropped | caught by: test_equal_scores_go_from_the_back_and_nan_is_refused | visible: passes
def drop_noisiest(scores, share):
    if not 0 <= share < 1:
        raise ValueError(f"share must be at least 0 and below 1, found {share}")
    import math
    from fractions import Fraction

    if int(share * len(scores)) and any(math.isnan(score) for score in scores):
        raise ValueError("a score is NaN: the pairs can't be ordered")
    dropped = math.floor(Fraction(str(float(share))) * len(scores))
    order = sorted(range(len(scores)), key=lambda i: (scores[i], i))  # the last ones go
    return sorted(order[: len(scores) - dropped])
