# MUTANT 1.15 evaluate.py — the least confident answers come first | caught by: test_the_most_confident_answers_come_first | visible: fails
def risk_coverage(confidence, correct):
    if len(correct) == 0 or len(confidence) != len(correct) or any(value != value for value in confidence):
        raise ValueError("uneven or NaN")
    coverage, risk = [], []
    for threshold in sorted(set(confidence)):
        kept = [right for value, right in zip(confidence, correct) if value <= threshold]
        coverage.append(len(kept) / len(correct))
        risk.append(kept.count(False) / len(kept))
    return coverage, risk
