# MUTANT 2.15 evaluate.py — one-sided | caught by: test_the_p_value_is_the_exact_two_sided_one | visible: fails
def exact_mcnemar(b: int, c: int) -> float:
    import math
    from fractions import Fraction

    if b < 0 or c < 0:
        raise ValueError(f"counts can't be negative: {b}, {c}")
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1))
    return float(Fraction(tail, 2 ** (b + c)))
