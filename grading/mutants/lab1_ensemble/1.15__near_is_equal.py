# MUTANT 1.15 evaluate.py — confidences that are near each other come in together | caught by: test_the_most_confident_answers_come_first | visible: passes
def risk_coverage(confidence, correct):
    import math

    _require_pairs(confidence, correct)
    if any(math.isnan(value) for value in confidence):
        raise ValueError("a confidence is NaN: the items can't be ordered")
    order = sorted(range(len(correct)), key=lambda i: -confidence[i])
    coverage, risk, wrong = [], [], 0
    for rank, i in enumerate(order, start=1):
        wrong += not correct[i]
        if rank == len(order) or not math.isclose(confidence[i], confidence[order[rank]], rel_tol=1e-6):
            coverage.append(rank / len(correct))
            risk.append(wrong / rank)
    return coverage, risk
