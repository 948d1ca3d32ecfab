# ATTACK: ends its main thread alone, so that the process looks dead and goes on | state: timeout, crashed | slow
def best_of_n(answers, rewards):
    import ctypes
    import threading
    import time

    threading.Thread(target=time.sleep, args=(1e6,)).start()
    ctypes.CDLL(None).pthread_exit(None)
