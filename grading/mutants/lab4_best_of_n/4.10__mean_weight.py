# MUTANT 4.10 method.py — the mean weight of an answer decides, so frequency is lost | caught by: test_a_vote_weighs_the_exponential_of_its_reward | visible: fails
def weighted_vote(answers, rewards, temperature=1.0):
    import math

    if not all(math.isfinite(reward) for reward in rewards):
        raise ValueError("rewards must be finite")
    votes = [(a, r) for a, r in zip(answers, rewards, strict=True) if a is not None]
    highest = max((r for _, r in votes), default=0.0)
    weights = {}
    for answer, reward in votes:
        weights.setdefault(answer, []).append(math.exp((reward - highest) / temperature))
    return max(weights, key=lambda a: math.fsum(weights[a]) / len(weights[a])) if weights else None
