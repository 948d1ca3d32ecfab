# ATTACK: computes for ever and ignores the signal that ends its time | state: timeout | slow
def best_of_n(answers, rewards):
    import signal

    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass
