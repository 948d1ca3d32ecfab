# ATTACK: raises KeyboardInterrupt, which stops an in-process pytest | state: error
def best_of_n(answers, rewards):
    raise KeyboardInterrupt
