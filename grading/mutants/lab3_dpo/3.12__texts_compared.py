# MUTANT 3.12 data.py — texts are compared, not places: equal drafts never end | caught by: test_places_count_and_one_draft_is_too_few | visible: passes
def shuffle_drafts(drafts, seed):
    if len(drafts) < 2:
        raise ValueError("too few")
    draw, order = random.Random(seed), list(drafts)
    for _ in range(1000):
        draw.shuffle(order)
        if not any(a == b for a, b in zip(order, drafts)):
            return order
    return []
