# ATTACK: many processes that take a little memory each | state: memory, timeout | slow
def best_of_n(answers, rewards):
    import os
    import time

    for _ in range(30):
        if os.fork() == 0:
            held = bytearray(os.urandom(1000) * 60_000)
            time.sleep(1000)
            os._exit(len(held) % 2)
    time.sleep(1000)
