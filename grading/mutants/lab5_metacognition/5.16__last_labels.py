# MUTANT 5.16 evaluate.py — frozen labels are those of the last epoch | caught by: test_each_epoch_is_held_against_both_kinds_of_labels | visible: fails
def frozen_and_refreshed(judgments: Sequence[Sequence[bool]], labels: Sequence[Sequence[bool]]) -> dict:
    sizes = {len(row) for row in (*judgments, *labels)}
    if len(judgments) != len(labels) or len(sizes) != 1 or 0 in sizes:
        raise ValueError(f"need the same items in every epoch: {len(judgments)}, {len(labels)}, {sizes}")

    def same(first: Sequence[bool], second: Sequence[bool]) -> float:
        return sum(bool(a) == bool(b) for a, b in zip(first, second, strict=True)) / len(second)

    return {
        "frozen": [same(said, labels[-1]) for said in judgments],
        "refreshed": [same(said, now) for said, now in zip(judgments, labels, strict=True)],
        "moved": [1 - same(now, labels[0]) for now in labels],
    }
