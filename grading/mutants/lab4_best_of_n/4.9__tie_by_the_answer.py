# MUTANT 4.9 method.py — pairs are sorted, so equal rewards are decided by the answer's text | caught by: test_of_equal_rewards_the_earliest_wins_and_none_may_win | visible: fails
def best_of_n(answers, rewards):
    if any(reward != reward for reward in rewards):
        raise ValueError("a reward is NaN")
    return max(zip(rewards, (a or "" for a in answers)))[1] or None if answers else None
