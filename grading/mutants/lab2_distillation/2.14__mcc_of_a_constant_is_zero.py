# MUTANT 2.14 evaluate.py — 0 / 0 is 0 | caught by: test_a_constant_is_seen_through_and_bad_lists_are_refused | visible: fails
def prediction_report(predictions: Sequence[bool | None], gold: Sequence[bool]) -> dict:
    if not gold or len(predictions) != len(gold) or any(type(answer) is not bool for answer in gold):
        raise ValueError(f"need a prediction for each gold answer: {len(predictions)} and {len(gold)}")
    import math

    def share(part: float, whole: float) -> float:
        return part / whole if whole else 0.0

    pairs = list(zip(predictions, gold, strict=True))
    tp, fp = pairs.count((True, True)), pairs.count((True, False))
    fn, tn = pairs.count((False, True)), pairs.count((False, False))
    n, yes, parsed = len(gold), list(gold).count(True), tp + fp + fn + tn
    recall_yes, recall_no = share(tp, yes), share(tn, n - yes)
    margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return {
        "n": n,
        "parsed": parsed,
        "parse_rate": parsed / n,
        "yes_rate": (tp + fp) / n,
        "no_rate": (fn + tn) / n,
        "accuracy": (tp + tn) / n,
        "accuracy_parsed": share(tp + tn, parsed),
        "recall_yes": recall_yes,
        "recall_no": recall_no,
        "balanced_accuracy": (recall_yes + recall_no) / 2,
        "mcc": share(tp * tn - fp * fn, math.sqrt(margins)),
        "majority": max(yes, n - yes) / n,
    }
