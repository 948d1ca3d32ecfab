# MUTANT 2.15 evaluate.py — the p-value can exceed 1 | caught by: test_equal_counts_none_and_thousands_are_fine_and_negative_ones_refused | visible: fails
def exact_mcnemar(b: int, c: int) -> float:
    import math
    from fractions import Fraction

    if b < 0 or c < 0:
        raise ValueError(f"counts can't be negative: {b}, {c}")
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1))
    return float(Fraction(2 * tail, 2 ** (b + c)))
