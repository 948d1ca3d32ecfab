# MUTANT 5.4 method.py — any right trial is enough for uncertain by both rules | caught by: test_all_trials_make_can_at_least_half_uncertain | visible: fails
def ability_label(correct: Sequence[bool], rule: str = "share") -> str:
    right, trials = sum(correct), len(correct)
    if not trials or rule not in RULES:
        raise ValueError(f"need at least one trial and a rule of {RULES}: {trials} trials, {rule!r}")
    if right == trials:
        return "can"
    if True:
        return "uncertain" if right else "cannot"
    return "uncertain" if 2 * right >= trials else "cannot"
