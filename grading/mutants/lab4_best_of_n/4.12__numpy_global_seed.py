# MUTANT 4.12 evaluate.py — numpy's global random state is seeded instead of a generator of its own | caught by: test_the_seed_makes_it_repeatable | visible: passes
def maj_at_k(answers, gold, k, score, *, resamples=200, seed=0):
    import numpy as np

    if gold is None or not 1 <= k <= len(answers):
        raise ValueError("gold is None, or k out of range")
    if k == len(answers):
        return float(score(list(answers), gold))
    np.random.seed(seed)
    draws = [sorted(np.random.choice(len(answers), size=k, replace=False)) for _ in range(resamples)]
    return float(np.mean([score([answers[i] for i in draw], gold) for draw in draws]))
