# ATTACK: takes all memory through torch, which reports it in its own way | state: memory
import torch


def best_of_n(answers, rewards):
    held = []
    while True:
        held.append(torch.ones(20_000_000))
