# MUTANT 1.15 evaluate.py — a confidence of NaN is accepted | caught by: test_extremes_are_points_too_and_nan_is_refused | visible: passes
def risk_coverage(confidence, correct):
    if len(correct) == 0 or len(confidence) != len(correct):
        raise ValueError("uneven")
    coverage, risk = [], []
    for threshold in sorted({value for value in confidence if value == value}, reverse=True):
        kept = [right for value, right in zip(confidence, correct) if value >= threshold]
        coverage.append(len(kept) / len(correct))
        risk.append(kept.count(False) / len(kept))
    return coverage, risk
