# MUTANT 5.14 evaluate.py — a tie is answered as a whole | caught by: test_a_tie_counts_with_its_share_whatever_the_order | visible: passes
def selective_accuracy(confidence: Sequence[float], correct: Sequence[bool]) -> list[float]:
    import itertools
    import math

    if not correct or len(confidence) != len(correct) or any(math.isnan(c) for c in confidence):
        raise ValueError(f"need a confidence for each item: {len(confidence)}, {len(correct)}")
    order = sorted(zip(confidence, correct, strict=True), key=lambda pair: -pair[0])
    expected, right = [], 0.0
    for _, group in itertools.groupby(order, key=lambda pair: pair[0]):
        tied = [flag for _, flag in group]
        whole = (right + sum(tied)) / (len(expected) + len(tied))
        expected += [whole] * len(tied)
        right += sum(tied)
    return expected
