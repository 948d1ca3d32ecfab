# MUTANT 3.12 data.py — the given list is changed | caught by: test_places_count_and_one_draft_is_too_few | visible: passes
def shuffle_drafts(drafts, seed):
    if len(drafts) < 2:
        raise ValueError(f"a derangement needs at least two drafts, found {len(drafts)}")
    draw, order = random.Random(seed), list(range(len(drafts)))
    while any(place == number for number, place in enumerate(order)):
        draw.shuffle(order)
    drafts[:] = [drafts[place] for place in order]
    return list(drafts)
