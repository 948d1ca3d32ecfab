# ATTACK: stops its process, so that nobody can wait for its end | state: timeout, crashed | slow
def best_of_n(answers, rewards):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSTOP)
