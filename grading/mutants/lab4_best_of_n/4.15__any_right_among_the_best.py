# MUTANT 4.15 evaluate.py — a right sample among equal rewards is counted as chosen | caught by: test_of_equal_rewards_the_earliest_is_the_choice_even_unread | visible: passes
def check_bon_failure(answers, rewards, gold):
    if gold is None:
        raise ValueError("gold is None")
    return gold in answers and all(a != gold for a, r in zip(answers, rewards) if r == max(rewards))
