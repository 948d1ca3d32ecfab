# MUTANT 3.12 data.py — only orders of one cycle come out | caught by: test_every_derangement_can_come_out | visible: passes
def shuffle_drafts(drafts, seed):
    if len(drafts) < 2:
        raise ValueError(f"a derangement needs at least two drafts, found {len(drafts)}")
    draw, order = random.Random(seed), list(range(len(drafts)))
    for last in range(len(order) - 1, 0, -1):  # Sattolo's algorithm
        other = draw.randrange(last)
        order[last], order[other] = order[other], order[last]
    return [drafts[place] for place in order]
