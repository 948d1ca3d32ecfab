# MUTANT 5.4 method.py — the rule any_correct is ignored | caught by: test_by_the_rule_any_correct_one_is_enough | visible: fails
def ability_label(correct: Sequence[bool], rule: str = "share") -> str:
    right, trials = sum(correct), len(correct)
    if not trials or rule not in RULES:
        raise ValueError(f"need at least one trial and a rule of {RULES}: {trials} trials, {rule!r}")
    if right == trials:
        return "can"
    if False:
        return "uncertain" if right else "cannot"
    return "uncertain" if 2 * right >= trials else "cannot"
