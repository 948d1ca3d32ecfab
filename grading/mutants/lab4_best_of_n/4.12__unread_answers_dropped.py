# MUTANT 4.12 evaluate.py — None is dropped before the subsets are drawn | caught by: test_with_any_gold_it_is_pass_at_k | visible: passes
def maj_at_k(answers, gold, k, score, *, resamples=200, seed=0):
    import random

    if gold is None or not 1 <= k <= len(answers):
        raise ValueError("gold is None, or k out of range")
    if k == len(answers):
        return float(score(list(answers), gold))
    read = [answer for answer in answers if answer is not None]
    rng = random.Random(seed)
    draws = [sorted(rng.sample(range(len(read)), min(k, len(read)))) for _ in range(resamples)]
    return sum(score([read[i] for i in draw], gold) for draw in draws) / resamples
