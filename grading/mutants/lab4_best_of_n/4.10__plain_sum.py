# MUTANT 4.10 method.py — weights are added in list order, so equal sums differ in their last bit and tie wrongly | caught by: test_none_has_no_weight_and_equal_sums_go_to_the_earliest | visible: passes
def weighted_vote(answers, rewards, temperature=1.0):
    import math

    if not all(math.isfinite(reward) for reward in rewards):
        raise ValueError("rewards must be finite")
    votes = [(a, r) for a, r in zip(answers, rewards, strict=True) if a is not None]
    highest = max((r for _, r in votes), default=0.0)
    totals = {}
    for answer, reward in votes:
        totals[answer] = totals.get(answer, 0.0) + math.exp((reward - highest) / temperature)
    return max(totals, key=totals.get) if totals else None
