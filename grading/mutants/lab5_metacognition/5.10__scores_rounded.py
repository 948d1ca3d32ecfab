# MUTANT 5.10 evaluate.py — rounds scores, which makes ties | caught by: test_ties_count_one_half_in_any_order | visible: passes
def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    import itertools
    import math

    if len(scores) != len(labels) or any(math.isnan(score) for score in scores):
        raise ValueError(f"need a score that isn't NaN for each label: {len(scores)}, {len(labels)}")
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return math.nan
    rank_sum, before = 0.0, 0
    order = sorted(zip([round(score, 6) for score in scores], labels, strict=True), key=lambda pair: pair[0])
    for _, group in itertools.groupby(order, key=lambda pair: pair[0]):
        tied = [label for _, label in group]
        rank_sum += sum(tied) * (before + (len(tied) + 1) / 2)
        before += len(tied)
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
