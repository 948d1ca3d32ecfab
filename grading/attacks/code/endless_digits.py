# ATTACK: returns an integer of a hundred million bits | state: failed
def best_of_n(answers, rewards):
    return 1 << 100_000_000
