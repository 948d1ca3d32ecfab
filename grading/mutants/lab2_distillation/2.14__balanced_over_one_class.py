# MUTANT 2.14 evaluate.py — balanced accuracy without the recall that is NaN | caught by: test_a_constant_is_seen_through_and_bad_lists_are_refused | visible: passes
def prediction_report(predictions, gold):
    import math

    if not gold or len(predictions) != len(gold) or any(type(x) is not bool for x in gold):
        raise ValueError("x")
    P = list(zip(predictions, gold))
    tp, fp, fn, tn = (P.count(x) for x in ((True, True), (True, False), (False, True), (False, False)))
    n, y, s = len(gold), gold.count(True), tp + fp + fn + tn
    f = lambda a, b: a / b if b else math.nan
    ry, rn = f(tp, y), f(tn, n - y)
    have = [x for x in (ry, rn) if not math.isnan(x)]
    return {
        "n": n,
        "parsed": s,
        "parse_rate": s / n,
        "yes_rate": (tp + fp) / n,
        "no_rate": (tn + fn) / n,
        "accuracy": (tp + tn) / n,
        "accuracy_parsed": f(tp + tn, s),
        "recall_yes": ry,
        "recall_no": rn,
        "balanced_accuracy": sum(have) / len(have),
        "mcc": f(tp * tn - fp * fn, math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
        "majority": max(y, n - y) / n,
    }
