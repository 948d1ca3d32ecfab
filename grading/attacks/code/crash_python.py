# ATTACK: makes the interpreter itself crash | state: crashed
def best_of_n(answers, rewards):
    import ctypes

    ctypes.string_at(0)
