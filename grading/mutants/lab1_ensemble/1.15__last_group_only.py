# MUTANT 1.15 evaluate.py — the risk is of the last group alone, not of all kept so far | caught by: test_the_most_confident_answers_come_first, test_items_with_the_same_confidence_come_in_together | visible: fails
def risk_coverage(confidence, correct):
    if len(correct) == 0 or len(confidence) != len(correct) or any(value != value for value in confidence):
        raise ValueError("uneven or NaN")
    coverage, risk = [], []
    for threshold in sorted(set(confidence), reverse=True):
        kept = [right for value, right in zip(confidence, correct) if value >= threshold]
        coverage.append(len(kept) / len(correct))
        risk.append(sum(v == threshold and not c for v, c in zip(confidence, correct)) / sum(v == threshold for v in confidence))
    return coverage, risk
