# MUTANT 5.11 evaluate.py — finds the part by rounded ends (linspace) | caught by: test_ends_of_parts_and_bad_probabilities | visible: passes
def calibration(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> dict:
    _require_probabilities(probabilities, outcomes, bins)
    import numpy as np

    ends = np.linspace(0, 1, bins + 1)
    parts: dict[int, list[tuple[float, bool]]] = {}
    for p, outcome in zip(probabilities, outcomes, strict=True):
        parts.setdefault(min(int(np.digitize(p, ends)) - 1, bins - 1), []).append((p, outcome))
    table, ece = [], 0.0
    for part, items in sorted(parts.items()):
        n = len(items)
        confidence, accuracy = sum(p for p, _ in items) / n, sum(outcome for _, outcome in items) / n
        row = {"low": part / bins, "high": (part + 1) / bins, "n": n}
        table.append({**row, "confidence": confidence, "accuracy": accuracy})
        ece += n / len(outcomes) * abs(accuracy - confidence)
    return {"ece": ece, "bins": table}
