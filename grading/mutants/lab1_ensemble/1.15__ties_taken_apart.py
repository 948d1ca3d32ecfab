# MUTANT 1.15 evaluate.py — items with the same confidence are points of their own | caught by: test_items_with_the_same_confidence_come_in_together | visible: fails
def risk_coverage(confidence, correct):
    if len(correct) == 0 or len(confidence) != len(correct) or any(value != value for value in confidence):
        raise ValueError("uneven or NaN")
    order = sorted(range(len(correct)), key=lambda i: -confidence[i])
    coverage, risk, wrong = [], [], 0
    for kept, i in enumerate(order, start=1):
        wrong += not correct[i]
        coverage.append(kept / len(correct))
        risk.append(wrong / kept)
    return coverage, risk
