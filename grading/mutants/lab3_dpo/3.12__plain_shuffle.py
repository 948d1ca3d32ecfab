# MUTANT 3.12 data.py — a plain shuffle leaves some their own draft | caught by: test_no_draft_stays_at_its_place | visible: fails
def shuffle_drafts(drafts, seed):
    if len(drafts) < 2:
        raise ValueError(f"a derangement needs at least two drafts, found {len(drafts)}")
    draw, order = random.Random(seed), list(range(len(drafts)))
    draw.shuffle(order)
    return [drafts[place] for place in order]
