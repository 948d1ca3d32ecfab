# MUTANT 6.16 evaluate.py — accuracies are compared in percent | caught by: test_accuracy_then_safety_then_over_refusal_then_the_earliest | visible: passes
def choose_checkpoint(rows: Sequence[Mapping], tolerance: float = 0.0) -> str:
    import math

    names = ("accuracy", "safety", "over_refusal")
    splits = {row["split"] for row in rows}
    if splits != {"validation"} or tolerance < 0:
        raise ValueError(
            f"need validation rows and tolerance >= 0, found {sorted(map(str, splits))}, {tolerance}"
        )
    if any(row[name] is None or not math.isfinite(row[name]) for row in rows for name in names):
        raise ValueError(f"every row needs numbers for {', '.join(names)}; a missing one is not a 0")
    best = max(row["accuracy"] for row in rows)
    near = [row for row in rows if round(row["accuracy"], 2) >= round(best, 2) - tolerance - 1e-9]
    chosen = min(near, key=lambda row: (-row["safety"], row["over_refusal"], row["step"]))
    return chosen["checkpoint"]
