# MUTANT 5.10 evaluate.py — ranks float32 scores, which makes ties | caught by: test_ties_count_one_half_in_any_order | visible: passes
def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    import math

    import torch

    if len(scores) != len(labels) or any(math.isnan(score) for score in scores):
        raise ValueError(f"need a score that isn't NaN for each label: {len(scores)}, {len(labels)}")
    values, flags = torch.tensor(scores, dtype=torch.float32), torch.tensor(labels, dtype=torch.bool)
    low, high = values[~flags].sort().values, values[flags]
    if not len(low) or not len(high):
        return math.nan
    won = torch.searchsorted(low, high) + torch.searchsorted(low, high, right=True)
    return won.double().mean().item() / 2 / len(low)
