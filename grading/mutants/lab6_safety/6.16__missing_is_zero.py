# MUTANT 6.16 evaluate.py — a missing number is a 0 | caught by: test_test_items_and_missing_numbers_choose_nothing | visible: fails
def choose_checkpoint(rows: Sequence[Mapping], tolerance: float = 0.0) -> str:
    import math

    names = ("accuracy", "safety", "over_refusal")
    splits = {row["split"] for row in rows}
    if splits != {"validation"} or tolerance < 0:
        raise ValueError(
            f"need validation rows and tolerance >= 0, found {sorted(map(str, splits))}, {tolerance}"
        )
    rows = [{k: 0.0 if v is None else v for k, v in row.items()} for row in rows]
    if any(row[name] is None or not math.isfinite(row[name]) for row in rows for name in names):
        raise ValueError(f"every row needs numbers for {', '.join(names)}; a missing one is not a 0")
    best = max(row["accuracy"] for row in rows)
    near = [row for row in rows if row["accuracy"] >= best - tolerance - 1e-9]
    chosen = min(near, key=lambda row: (-row["safety"], row["over_refusal"], row["step"]))
    return chosen["checkpoint"]
