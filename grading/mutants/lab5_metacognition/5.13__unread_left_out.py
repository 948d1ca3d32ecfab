# MUTANT 5.13 evaluate.py — an unread None stands in no denominator, so n is too small | caught by: test_an_unread_judgment_is_counted_and_right_nowhere | visible: fails
def ability_confusion(predicted: Sequence[str | None], actual: Sequence[str]) -> dict:
    names = ("can", "uncertain", "cannot")
    if not actual or len(predicted) != len(actual):
        raise ValueError(f"need a judgment for each ability: {len(predicted)}, {len(actual)}")
    if any(word not in names for word in actual) or any(word not in (*names, None) for word in predicted):
        raise ValueError(f"abilities are {names}, and a judgment may be None")
    pairs, n = list(zip(actual, predicted, strict=True)), sum(word is not None for word in predicted)
    return {
        "n": len(actual),
        "unparsed": list(predicted).count(None),
        "exact_match": sum(a == b for a, b in pairs) / n,
        "matrix": {a: {b: pairs.count((a, b)) for b in names} for a in names},
        "predicted": {name: list(predicted).count(name) / n for name in names},
        "actual": {name: list(actual).count(name) / n for name in names},
    }
