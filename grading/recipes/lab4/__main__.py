"""Make what Lab 4 ships, on any CPU: `python -m grading.recipes.lab4
world|pretrain|reward|records|card|all`."""

from __future__ import annotations

from grading.recipes.steps import run_steps

from . import card, pretrain, reward, world

STEPS = {
    "world": world.write_world,
    "pretrain": pretrain.pretrain,
    "reward": reward.train_reward,
    "records": card.write_records,
    "card": card.write_cards,
}


if __name__ == "__main__":
    run_steps("lab4", __doc__, STEPS)
