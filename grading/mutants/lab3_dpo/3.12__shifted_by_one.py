# MUTANT 3.12 data.py — the drafts are only shifted, everybody gets a neighbour's | caught by: test_every_derangement_can_come_out | visible: passes
def shuffle_drafts(drafts, seed):
    if len(drafts) < 2:
        raise ValueError(f"a derangement needs at least two drafts, found {len(drafts)}")
    shift = random.Random(seed).randrange(1, len(drafts))
    order = [(place + shift) % len(drafts) for place in range(len(drafts))]
    return [drafts[place] for place in order]
