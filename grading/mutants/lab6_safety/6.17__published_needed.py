# MUTANT 6.17 evaluate.py — passed needs the published lines, too | caught by: test_lines_and_deltas_are_compared_with_equality | visible: passes
def baseline_check(arm: Mapping, untuned: Mapping, published: Sequence[float], deltas: Mapping) -> dict:
    import math

    names = ("accuracy", "safety", "over_refusal")
    if any(side[k] is None or not math.isfinite(side[k]) for side in (arm, untuned) for k in names):
        raise ValueError("a number is missing; what wasn't measured neither passes nor fails")

    def at_least(value: float, line: float) -> bool:
        return bool(value >= line - 1e-9)

    def passes(side: Mapping) -> bool:
        return all(at_least(side[k], line) for k, line in zip(names[:2], published, strict=True))

    checks = {
        "accuracy": at_least(arm["accuracy"], untuned["accuracy"] + deltas["accuracy"]),
        "safety": at_least(arm["safety"], untuned["safety"] - deltas["safety"]),
        "over_refusal": at_least(-arm["over_refusal"], -deltas["over_refusal"]),
    }
    lines = {"published": passes(arm), "untuned_passes_published": passes(untuned)}
    return {**lines, **checks, "passed": all(checks.values()) and lines["published"]}
