# MUTANT 5.14 evaluate.py — rounds confidences, which makes ties | caught by: test_a_tie_counts_with_its_share_whatever_the_order | visible: passes
def selective_accuracy(confidence: Sequence[float], correct: Sequence[bool]) -> list[float]:
    import itertools
    import math

    if not correct or len(confidence) != len(correct) or any(math.isnan(c) for c in confidence):
        raise ValueError(f"need a confidence for each item: {len(confidence)}, {len(correct)}")
    order = sorted(zip([round(sure, 2) for sure in confidence], correct, strict=True), key=lambda pair: -pair[0])
    expected, right = [], 0.0
    for _, group in itertools.groupby(order, key=lambda pair: pair[0]):
        tied = [flag for _, flag in group]
        for place in range(1, len(tied) + 1):
            expected.append((right + sum(tied) * place / len(tied)) / (len(expected) + 1))
        right += sum(tied)
    return expected
