# MUTANT 5.10 evaluate.py — a NaN is accepted where all labels are the same | caught by: test_it_is_undefined_for_one_class_and_fast_for_many | visible: passes
def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    import itertools
    import math

    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return math.nan
    if len(scores) != len(labels) or any(math.isnan(score) for score in scores):
        raise ValueError(f"need a score that isn't NaN for each label: {len(scores)}, {len(labels)}")
    rank_sum, before = 0.0, 0
    order = sorted(zip(scores, labels, strict=True), key=lambda pair: pair[0])
    for _, group in itertools.groupby(order, key=lambda pair: pair[0]):
        tied = [label for _, label in group]
        rank_sum += sum(tied) * (before + (len(tied) + 1) / 2)
        before += len(tied)
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
