# MUTANT 4.10 method.py — the rewards themselves are added up, so negative ones count against an answer | caught by: test_a_vote_weighs_the_exponential_of_its_reward | visible: passes
def weighted_vote(answers, rewards, temperature=1.0):
    import math

    if not all(math.isfinite(reward) for reward in rewards):
        raise ValueError("rewards must be finite")
    totals = {}
    for answer, reward in zip(answers, rewards, strict=True):
        if answer is not None:
            totals[answer] = totals.get(answer, 0.0) + reward / temperature
    return max(totals, key=totals.get) if totals else None
