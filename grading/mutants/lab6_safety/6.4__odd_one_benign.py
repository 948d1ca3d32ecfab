# MUTANT 6.4 data.py — the odd one is benign, not a hazard | caught by: test_both_kinds_come_in_equal_numbers | visible: fails
def mix_replay(problems: Sequence[dict], replay: Sequence[dict], share: float, seed: int) -> list[dict]:
    if not 0 <= share < 1 or not problems or any(row.get("kind") not in KINDS for row in replay):
        raise ValueError(f"need problems, 0 <= share < 1 and replay rows of the kinds {', '.join(KINDS)}")
    import random

    rng = random.Random(seed)
    total = round(len(problems) * share / (1 - share))
    mixed = list(problems)
    for kind, count in zip(KINDS, (total // 2, total - total // 2), strict=True):
        rows = [row for row in replay if row["kind"] == kind]
        if count and not rows:
            raise ValueError(f"{count} replay rows of kind {kind!r} are needed, and there is none")
        rounds, rest = divmod(count, len(rows)) if rows else (0, 0)
        mixed += rows * rounds + rng.sample(rows, rest)
    rng.shuffle(mixed)
    return mixed
