# MUTANT 3.11 data.py — the first of the larger group stay whatever the seed | caught by: test_length_alone_can_not_win | visible: passes
def match_pairs(pairs, length, form, max_gap, seed):
    if max_gap < 0:
        raise ValueError(f"max_gap must be at least 0, found {max_gap}")
    longer: dict[int, list[int]] = {1: [], 0: [], -1: []}
    for number, pair in enumerate(pairs):
        gap = length(pair["chosen"]) - length(pair["rejected"])
        if abs(gap) <= max_gap and form(pair["chosen"]) == form(pair["rejected"]):
            longer[(gap > 0) - (gap < 0)].append(number)
    each = min(len(longer[1]), len(longer[-1]))
    draw = random.Random(seed)
    kept = longer[0] + longer[1][:each] + longer[-1][:each]
    return [{**pairs[number], "kind": "matched"} for number in sorted(kept)]
