# MUTANT 4.12 evaluate.py — always the first k samples, not random subsets | caught by: test_with_any_gold_it_is_pass_at_k | visible: fails
def maj_at_k(answers, gold, k, score, *, resamples=200, seed=0):
    if gold is None or not 1 <= k <= len(answers):
        raise ValueError("gold is None, or k out of range")
    return float(score(list(answers[:k]), gold))
