# MUTANT 1.13 evaluate.py — the share of equal verdicts is given | caught by: test_it_is_the_correlation_of_the_two_indicators | visible: fails
def error_correlation(wrong_a, wrong_b):
    import math

    if len(wrong_a) == 0 or len(wrong_a) != len(wrong_b):
        raise ValueError("uneven")
    n = len(wrong_a)
    both = sum(bool(a and b) for a, b in zip(wrong_a, wrong_b))
    one, two = sum(map(bool, wrong_a)), sum(map(bool, wrong_b))
    margins = one * two * (n - one) * (n - two)
    if margins == 0:
        return float("nan")
    return (n - one - two + 2 * both) / n
