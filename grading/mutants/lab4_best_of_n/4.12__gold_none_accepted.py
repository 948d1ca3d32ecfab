# MUTANT 4.12 evaluate.py — a gold of None is handed to the score, where unread answers equal it | caught by: test_a_gold_of_none_and_k_beyond_the_samples_are_refused | visible: passes
def maj_at_k(answers, gold, k, score, *, resamples=200, seed=0):
    import random

    if not 1 <= k <= len(answers):
        raise ValueError("k out of range")
    if k == len(answers):
        return float(score(list(answers), gold))
    rng = random.Random(seed)
    draws = [sorted(rng.sample(range(len(answers)), k)) for _ in range(resamples)]
    return sum(score([answers[i] for i in draw], gold) for draw in draws) / resamples
