# MUTANT 5.15 evaluate.py — a negative skill is cut at zero | caught by: test_skill_is_measured_from_the_better_constant | visible: fails
def judgment_skill(said_yes: Sequence[bool], correct: Sequence[bool]) -> dict:
    n = len(correct)
    if not n or len(said_yes) != n:
        raise ValueError(f"need a judgment for each answer: {len(said_yes)}, {n}")
    pairs = [(bool(said), bool(right)) for said, right in zip(said_yes, correct, strict=True)]
    accuracy, right = sum(said == was for said, was in pairs) / n, sum(was for _, was in pairs)
    constant = max(right, n - right) / n
    return {
        "accuracy": accuracy,
        "qa_accuracy": right / n,
        "constant": constant,
        "skill": max(accuracy - constant, 0.0),
        "overconfident": pairs.count((True, False)) / n,
        "underconfident": pairs.count((False, True)) / n,
    }
