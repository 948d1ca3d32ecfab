# MUTANT 5.14 evaluate.py — sorts by the absolute confidence | caught by: test_the_surest_are_answered_first | visible: passes
def selective_accuracy(confidence: Sequence[float], correct: Sequence[bool]) -> list[float]:
    import itertools
    import math

    if not correct or len(confidence) != len(correct) or any(math.isnan(c) for c in confidence):
        raise ValueError(f"need a confidence for each item: {len(confidence)}, {len(correct)}")
    order = sorted(zip(confidence, correct, strict=True), key=lambda pair: -abs(pair[0]))
    expected, right = [], 0.0
    for _, group in itertools.groupby(order, key=lambda pair: pair[0]):
        tied = [flag for _, flag in group]
        for place in range(1, len(tied) + 1):
            expected.append((right + sum(tied) * place / len(tied)) / (len(expected) + 1))
        right += sum(tied)
    return expected
