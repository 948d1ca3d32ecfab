# MUTANT 4.12 evaluate.py — the generator is not seeded, so no result can be repeated | caught by: test_the_seed_makes_it_repeatable | visible: passes
def maj_at_k(answers, gold, k, score, *, resamples=200, seed=0):
    import numpy as np

    if gold is None or not 1 <= k <= len(answers):
        raise ValueError("gold is None, or k out of range")
    if k == len(answers):
        return float(score(list(answers), gold))
    rng = np.random.default_rng()
    draws = [sorted(rng.choice(len(answers), size=k, replace=False)) for _ in range(resamples)]
    return float(np.mean([score([answers[i] for i in draw], gold) for draw in draws]))
