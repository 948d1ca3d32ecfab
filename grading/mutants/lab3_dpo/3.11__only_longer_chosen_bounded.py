# MUTANT 3.11 data.py — the absolute difference isn't taken: longer rejected texts stay | caught by: test_form_and_length_must_fit | visible: passes
def match_pairs(pairs, length, form, max_gap, seed):
    if max_gap < 0:
        raise ValueError(f"max_gap must be at least 0, found {max_gap}")
    longer: dict[int, list[int]] = {1: [], 0: [], -1: []}
    for number, pair in enumerate(pairs):
        gap = length(pair["chosen"]) - length(pair["rejected"])
        if gap <= max_gap and form(pair["chosen"]) == form(pair["rejected"]):
            longer[(gap > 0) - (gap < 0)].append(number)
    each = min(len(longer[1]), len(longer[-1]))
    draw = random.Random(seed)
    kept = longer[0] + draw.sample(longer[1], each) + draw.sample(longer[-1], each)
    return [{**pairs[number], "kind": "matched"} for number in sorted(kept)]
