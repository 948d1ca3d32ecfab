# MUTANT 4.9 method.py — samples without an answer are skipped, which flatters best-of-n | caught by: test_of_equal_rewards_the_earliest_wins_and_none_may_win | visible: passes
def best_of_n(answers, rewards):
    if any(reward != reward for reward in rewards):
        raise ValueError("a reward is NaN")
    read = [(reward, -i) for i, reward in enumerate(rewards) if answers[i] is not None]
    return answers[-max(read)[1]] if read else None
