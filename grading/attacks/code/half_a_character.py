# ATTACK: returns text that no file can hold | state: failed
def best_of_n(answers, rewards):
    return "\ud800"
