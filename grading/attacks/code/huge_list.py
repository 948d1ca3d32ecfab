# ATTACK: returns ten million numbers | state: failed, memory
def best_of_n(answers, rewards):
    return list(range(10_000_000))
