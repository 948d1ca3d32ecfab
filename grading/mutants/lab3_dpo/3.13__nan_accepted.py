# MUTANT 3.13 evaluate.py — a margin of NaN is accepted | caught by: test_nan_margins_and_uneven_lists_are_refused | visible: passes
def reward_accuracy(margins, chosen_lengths, rejected_lengths):
    if not len(margins) == len(chosen_lengths) == len(rejected_lengths) or len(margins) == 0:
        sizes = [len(margins), len(chosen_lengths), len(rejected_lengths)]
        raise ValueError(f"need three lists of the same length, at least one pair, found {sizes}")
    import math

    n = len(margins)
    accuracy = sum(margin > 0 for margin in margins) / n
    gaps = [a - b for a, b in zip(chosen_lengths, rejected_lengths, strict=True)]
    longer = sum(1.0 if gap > 0 else 0.5 if gap == 0 else 0.0 for gap in gaps) / n
    control = max(longer, 1 - longer)
    return {
        "n": n,
        "accuracy": accuracy,
        "length_control": control,
        "above_control": accuracy - control,
    }
