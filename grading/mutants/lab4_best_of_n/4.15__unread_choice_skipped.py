# MUTANT 4.15 evaluate.py — a chosen sample without an answer is passed over | caught by: test_of_equal_rewards_the_earliest_is_the_choice_even_unread | visible: passes
def check_bon_failure(answers, rewards, gold):
    if gold is None:
        raise ValueError("gold is None")
    if gold not in answers:
        return False
    read = [(reward, -i) for i, reward in enumerate(rewards) if answers[i] is not None]
    return answers[-max(read)[1]] != gold
