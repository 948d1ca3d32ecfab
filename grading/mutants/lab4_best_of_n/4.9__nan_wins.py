# MUTANT 4.9 method.py — NaN is not refused: which sample wins depends on the order | caught by: test_a_reward_that_is_no_number_is_refused | visible: passes
def best_of_n(answers, rewards):
    if not answers:
        return None
    return answers[max(range(len(rewards)), key=lambda i: rewards[i])]
