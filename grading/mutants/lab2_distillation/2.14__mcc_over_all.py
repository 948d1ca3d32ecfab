# MUTANT 2.14 evaluate.py — an unread answer counts as no in mcc | caught by: test_every_number_of_the_report_is_that_of_the_items | visible: fails
def prediction_report(predictions: Sequence[bool | None], gold: Sequence[bool]) -> dict:
    if not gold or len(predictions) != len(gold) or any(type(answer) is not bool for answer in gold):
        raise ValueError(f"need a prediction for each gold answer: {len(predictions)} and {len(gold)}")
    import math

    def share(part: float, whole: float) -> float:
        return part / whole if whole else float("nan")

    pairs = list(zip(predictions, gold, strict=True))
    tp, fp = pairs.count((True, True)), pairs.count((True, False))
    fn, tn = pairs.count((False, True)), pairs.count((False, False))
    n, yes, parsed = len(gold), list(gold).count(True), tp + fp + fn + tn
    recall_yes, recall_no = share(tp, yes), share(tn, n - yes)
    silent_yes, silent_no = pairs.count((None, True)), pairs.count((None, False))
    fn2, tn2 = fn + silent_yes, tn + silent_no
    margins = (tp + fp) * (tp + fn2) * (tn2 + fp) * (tn2 + fn2)
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
        "mcc": share(tp * tn2 - fp * fn2, math.sqrt(margins)),
        "majority": max(yes, n - yes) / n,
    }
