# ATTACK: sleeps for ever, which costs no computing time | state: timeout | slow
def best_of_n(answers, rewards):
    import signal
    import time

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1000)
