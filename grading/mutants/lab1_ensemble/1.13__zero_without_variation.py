# MUTANT 1.13 evaluate.py — errors that don't vary give 0, not NaN | caught by: test_errors_that_do_not_vary_have_no_correlation | visible: passes
def error_correlation(wrong_a, wrong_b):
    import math

    if len(wrong_a) == 0 or len(wrong_a) != len(wrong_b):
        raise ValueError("uneven")
    n = len(wrong_a)
    both = sum(bool(a and b) for a, b in zip(wrong_a, wrong_b))
    one, two = sum(map(bool, wrong_a)), sum(map(bool, wrong_b))
    margins = one * two * (n - one) * (n - two)
    if margins == 0:
        return 0.0
    return (both * (n - one - two + both) - (one - both) * (two - both)) / math.sqrt(margins)
