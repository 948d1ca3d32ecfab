# MUTANT 5.4 method.py — an unknown rule is accepted | caught by: test_no_trials_and_other_rules_are_refused | visible: passes
def ability_label(correct: Sequence[bool], rule: str = "share") -> str:
    right, trials = sum(correct), len(correct)
    if not trials:
        raise ValueError(f"need at least one trial and a rule of {RULES}: {trials} trials, {rule!r}")
    if right == trials:
        return "can"
    if rule == "any_correct":
        return "uncertain" if right else "cannot"
    return "uncertain" if 2 * right >= trials else "cannot"
