# MUTANT 4.9 method.py — the lowest reward is taken, as if it were a loss | caught by: test_the_highest_reward_decides | visible: fails
def best_of_n(answers, rewards):
    if any(reward != reward for reward in rewards):
        raise ValueError("a reward is NaN")
    return answers[rewards.index(min(rewards))] if answers else None
