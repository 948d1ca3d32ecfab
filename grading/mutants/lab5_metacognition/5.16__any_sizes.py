# MUTANT 5.16 evaluate.py — epochs with other items are accepted | caught by: test_epochs_that_do_not_fit_are_refused | visible: passes
def frozen_and_refreshed(judgments: Sequence[Sequence[bool]], labels: Sequence[Sequence[bool]]) -> dict:
    sizes = {len(row) for row in (*judgments, *labels)}
    if len(judgments) != len(labels) or 0 in sizes:
        raise ValueError(f"need the same items in every epoch: {len(judgments)}, {len(labels)}, {sizes}")

    def same(first: Sequence[bool], second: Sequence[bool]) -> float:
        return sum(bool(a) == bool(b) for a, b in zip(first, second, strict=False)) / len(second)

    return {
        "frozen": [same(said, labels[0]) for said in judgments],
        "refreshed": [same(said, now) for said, now in zip(judgments, labels, strict=True)],
        "moved": [1 - same(now, labels[0]) for now in labels],
    }
