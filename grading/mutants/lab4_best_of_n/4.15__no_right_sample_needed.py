# MUTANT 4.15 evaluate.py — a question without any right sample counts as a failure of best-of-n | caught by: test_without_a_right_sample_best_of_n_has_not_failed | visible: passes
def check_bon_failure(answers, rewards, gold):
    if gold is None:
        raise ValueError("gold is None")
    return bool(answers) and answers[rewards.index(max(rewards))] != gold
