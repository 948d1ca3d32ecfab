# MUTANT 4.15 evaluate.py — of equal rewards the last is taken for the choice | caught by: test_of_equal_rewards_the_earliest_is_the_choice_even_unread | visible: passes
def check_bon_failure(answers, rewards, gold):
    if gold is None:
        raise ValueError("gold is None")
    if gold not in answers:
        return False
    return answers[max(range(len(rewards)), key=lambda i: (rewards[i], i))] != gold
