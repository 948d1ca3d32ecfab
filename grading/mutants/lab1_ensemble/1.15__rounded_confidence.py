# MUTANT 1.15 evaluate.py — confidences are rounded to one decimal, so different ones come in together | caught by: test_the_most_confident_answers_come_first | visible: passes
def risk_coverage(confidence, correct):
    if len(correct) == 0 or len(confidence) != len(correct) or any(value != value for value in confidence):
        raise ValueError("uneven or NaN")
    rough = [value if value in (float("inf"), float("-inf")) else round(value, 1) for value in confidence]
    coverage, risk = [], []
    for threshold in sorted(set(rough), reverse=True):
        kept = [right for value, right in zip(rough, correct) if value >= threshold]
        coverage.append(len(kept) / len(correct))
        risk.append(kept.count(False) / len(kept))
    return coverage, risk
