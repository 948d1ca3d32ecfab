# MUTANT 6.17 evaluate.py — a number that wasn't measured is a failure, 0 | caught by: test_what_was_not_measured_neither_passes_nor_fails | visible: fails
def baseline_check(arm: Mapping, untuned: Mapping, published: Sequence[float], deltas: Mapping) -> dict:
    import math

    names = ("accuracy", "safety", "over_refusal")
    arm, untuned = ({k: 0.0 if v is None else v for k, v in side.items()} for side in (arm, untuned))
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
    return {**lines, **checks, "passed": all(checks.values())}
