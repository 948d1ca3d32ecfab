# MUTANT 4.12 evaluate.py — a subset comes in random order, so a tie rule sees another list | caught by: test_a_subset_has_k_samples_in_their_order_none_twice | visible: passes
def maj_at_k(answers, gold, k, score, *, resamples=200, seed=0):
    import random

    if gold is None or not 1 <= k <= len(answers):
        raise ValueError("gold is None, or k out of range")
    if k == len(answers):
        return float(score(list(answers), gold))
    rng = random.Random(seed)
    return sum(score(rng.sample(list(answers), k), gold) for _ in range(resamples)) / resamples
