# MUTANT 5.12 evaluate.py — uncertainty is always 1/4 | caught by: test_with_one_probability_a_part_the_three_terms_explain_the_score | visible: fails
def brier_decomposition(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> dict:
    _require_probabilities(probabilities, outcomes, bins)
    n, base = len(outcomes), sum(outcomes) / len(outcomes)
    parts: dict[int, list[tuple[float, bool]]] = {}
    for p, outcome in zip(probabilities, outcomes, strict=True):
        parts.setdefault(min(int(p * bins), bins - 1), []).append((p, outcome))
    reliability = resolution = 0.0
    for items in parts.values():
        said = sum(p for p, _ in items) / len(items)
        happened = sum(outcome for _, outcome in items) / len(items)
        reliability += len(items) / n * (said - happened) ** 2
        resolution += len(items) / n * (happened - base) ** 2
    brier = sum((p - outcome) ** 2 for p, outcome in zip(probabilities, outcomes, strict=True)) / n
    terms = {"reliability": reliability, "resolution": resolution, "uncertainty": 0.25}
    return {"brier": brier, **terms, "within": brier - (reliability - resolution + 0.25)}
