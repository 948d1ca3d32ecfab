# ATTACK: closes every open descriptor and goes on living | state: crashed, timeout | slow
def best_of_n(answers, rewards):
    import os
    import time

    os.closerange(0, 4096)
    time.sleep(1000)
