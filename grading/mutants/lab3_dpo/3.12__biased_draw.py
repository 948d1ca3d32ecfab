# MUTANT 3.12 data.py — places that a shuffle left alone are swapped by hand: a biased draw | caught by: test_every_derangement_can_come_out | visible: passes
def shuffle_drafts(drafts, seed):
    if len(drafts) < 2:
        raise ValueError(f"a derangement needs at least two drafts, found {len(drafts)}")
    draw, order = random.Random(seed), list(range(len(drafts)))
    draw.shuffle(order)
    for i in range(len(order)):
        if order[i] == i:
            j = draw.choice([k for k in range(len(order)) if k != i])
            order[i], order[j] = order[j], order[i]
    return [drafts[place] for place in order]
