# MUTANT 5.11 evaluate.py — p = 1 gets a part of its own, not the last | caught by: test_the_table_holds_exactly_the_parts_with_items | visible: fails
def calibration(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> dict:
    _require_probabilities(probabilities, outcomes, bins)
    parts: dict[int, list[tuple[float, bool]]] = {}
    for p, outcome in zip(probabilities, outcomes, strict=True):
        parts.setdefault(int(p * bins), []).append((p, outcome))
    table, ece = [], 0.0
    for part, items in sorted(parts.items()):
        n = len(items)
        confidence, accuracy = sum(p for p, _ in items) / n, sum(outcome for _, outcome in items) / n
        row = {"low": part / bins, "high": (part + 1) / bins, "n": n}
        table.append({**row, "confidence": confidence, "accuracy": accuracy})
        ece += n / len(outcomes) * abs(accuracy - confidence)
    return {"ece": ece, "bins": table}
