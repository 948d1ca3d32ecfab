# ATTACK: a NotImplementedError whose words are hidden input, to be printed in the report | state: error
def best_of_n(answers, rewards):
    raise NotImplementedError(f"TODO 4.9 best_of_n: {answers} {rewards}")
