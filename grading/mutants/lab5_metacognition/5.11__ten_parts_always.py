# MUTANT 5.11 evaluate.py — 10 parts whatever bins says | caught by: test_parts_are_weighed_by_their_items_and_empty_ones_add_nothing | visible: passes
def calibration(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> dict:
    _require_probabilities(probabilities, outcomes, bins)
    bins = 10
    parts: dict[int, list[tuple[float, bool]]] = {}
    for p, outcome in zip(probabilities, outcomes, strict=True):
        parts.setdefault(min(int(p * bins), bins - 1), []).append((p, outcome))
    table, ece = [], 0.0
    for part, items in sorted(parts.items()):
        n = len(items)
        confidence, accuracy = sum(p for p, _ in items) / n, sum(outcome for _, outcome in items) / n
        row = {"low": part / bins, "high": (part + 1) / bins, "n": n}
        table.append({**row, "confidence": confidence, "accuracy": accuracy})
        ece += n / len(outcomes) * abs(accuracy - confidence)
    return {"ece": ece, "bins": table}
