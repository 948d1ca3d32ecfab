# MUTANT 5.12 evaluate.py — the end of a part belongs to the part below it | caught by: test_the_ends_and_bad_probabilities_of_a_brier_score | visible: passes
def brier_decomposition(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> dict:
    _require_probabilities(probabilities, outcomes, bins)
    n, base = len(outcomes), sum(outcomes) / len(outcomes)
    parts: dict[int, list[tuple[float, bool]]] = {}
    for p, outcome in zip(probabilities, outcomes, strict=True):
        parts.setdefault(max(-int(-p * bins // 1) - 1, 0), []).append((p, outcome))
    reliability = resolution = 0.0
    for items in parts.values():
        said = sum(p for p, _ in items) / len(items)
        happened = sum(outcome for _, outcome in items) / len(items)
        reliability += len(items) / n * (said - happened) ** 2
        resolution += len(items) / n * (happened - base) ** 2
    brier = sum((p - outcome) ** 2 for p, outcome in zip(probabilities, outcomes, strict=True)) / n
    terms = {"reliability": reliability, "resolution": resolution, "uncertainty": base * (1 - base)}
    return {"brier": brier, **terms, "within": brier - (reliability - resolution + base * (1 - base))}
