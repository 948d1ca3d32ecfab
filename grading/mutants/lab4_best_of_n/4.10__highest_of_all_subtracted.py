# MUTANT 4.10 method.py — the highest reward of a sample that doesn't vote is subtracted, so all weights vanish | caught by: test_huge_and_tiny_rewards_neither_overflow_nor_vanish | visible: passes
def weighted_vote(answers, rewards, temperature=1.0):
    import math

    if not all(math.isfinite(reward) for reward in rewards):
        raise ValueError("rewards must be finite")
    highest = max(rewards, default=0.0)
    weights = {}
    for answer, reward in zip(answers, rewards, strict=True):
        if answer is not None:
            weights.setdefault(answer, []).append(math.exp((reward - highest) / temperature))
    return max(weights, key=lambda a: math.fsum(weights[a])) if weights else None
