# MUTANT 6.16 evaluate.py — the tolerance is counted from the first row's accuracy, not from the highest | caught by: test_accuracy_then_safety_then_over_refusal_then_the_earliest, test_within_the_tolerance_safety_decides | visible: fails
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
    best = rows[0]["accuracy"]
    near = [row for row in rows if row["accuracy"] >= best - tolerance - 1e-9]
    chosen = min(near, key=lambda row: (-row["safety"], row["over_refusal"], row["step"]))
    return chosen["checkpoint"]
