# MUTANT 5.12 evaluate.py — what is left within the parts is cut off at 0 | caught by: test_what_varies_within_a_part_is_left_over | visible: passes
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
    terms = {"reliability": reliability, "resolution": resolution, "uncertainty": base * (1 - base)}
    return {"brier": brier, **terms, "within": max(0.0, brier - (reliability - resolution + base * (1 - base)))}
