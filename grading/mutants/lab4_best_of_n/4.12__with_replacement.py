# MUTANT 4.12 evaluate.py — a subset may hold a sample twice | caught by: test_with_any_gold_it_is_pass_at_k, test_a_subset_has_k_samples_in_their_order_none_twice | visible: fails
def maj_at_k(answers, gold, k, score, *, resamples=200, seed=0):
    import random

    if gold is None or not 1 <= k <= len(answers):
        raise ValueError("gold is None, or k out of range")
    if k == len(answers):
        return float(score(list(answers), gold))
    rng = random.Random(seed)
    places = range(len(answers))
    draws = [sorted(rng.choices(places, k=k)) for _ in range(resamples)]
    return sum(score([answers[i] for i in draw], gold) for draw in draws) / resamples
