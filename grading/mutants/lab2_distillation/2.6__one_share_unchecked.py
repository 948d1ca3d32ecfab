# MUTANT 2.6 method.py — a recall_no above 1, a number outside [0, 1], was accepted | caught by: test_edges_are_exact_and_what_is_no_share_is_refused | visible: passes
def kept_prior(prior, recall_yes, recall_no):
    for x in (prior, recall_yes):
        if not 0 <= x <= 1:
            raise ValueError("x")
    if recall_no < 0:
        raise ValueError("x")
    y, n = prior * recall_yes, (1 - prior) * recall_no
    return y / (y + n) if y + n > 0 else float("nan")
