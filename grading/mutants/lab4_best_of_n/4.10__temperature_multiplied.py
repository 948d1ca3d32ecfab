# MUTANT 4.10 method.py — the reward is multiplied by the temperature instead of divided | caught by: test_between_best_of_n_and_the_majority | visible: passes
def weighted_vote(answers, rewards, temperature=1.0):
    import math

    if not all(math.isfinite(reward) for reward in rewards):
        raise ValueError("rewards must be finite")
    votes = [(a, r) for a, r in zip(answers, rewards, strict=True) if a is not None]
    highest = max((r for _, r in votes), default=0.0)
    weights = {}
    for answer, reward in votes:
        weights.setdefault(answer, []).append(math.exp((reward - highest) * temperature))
    return max(weights, key=lambda a: math.fsum(weights[a])) if weights else None
