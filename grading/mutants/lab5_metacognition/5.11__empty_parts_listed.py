# MUTANT 5.11 evaluate.py — empty parts occur in the table | caught by: test_the_table_holds_exactly_the_parts_with_items | visible: fails
def calibration(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> dict:
    _require_probabilities(probabilities, outcomes, bins)
    parts: dict[int, list[tuple[float, bool]]] = {k: [] for k in range(bins)}
    for p, outcome in zip(probabilities, outcomes, strict=True):
        parts.setdefault(min(int(p * bins), bins - 1), []).append((p, outcome))
    table, ece = [], 0.0
    for part, items in sorted(parts.items()):
        n = len(items) or 1
        confidence, accuracy = sum(p for p, _ in items) / n, sum(outcome for _, outcome in items) / n
        row = {"low": part / bins, "high": (part + 1) / bins, "n": len(items)}
        table.append({**row, "confidence": confidence, "accuracy": accuracy})
        ece += len(items) / len(outcomes) * abs(accuracy - confidence)
    return {"ece": ece, "bins": table}
