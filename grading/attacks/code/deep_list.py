# ATTACK: returns a list nested a hundred thousand times, and one that holds itself | state: failed
def best_of_n(answers, rewards):
    value = []
    value.append(value)
    for _ in range(100_000):
        value = [value]
    return value
