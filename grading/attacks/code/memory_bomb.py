# ATTACK: takes all memory | state: memory
def best_of_n(answers, rewards):
    held = []
    while True:
        held.append(bytearray(50_000_000))
