"""Make what Lab 1 ships, on any CPU: `python -m grading.recipes.lab1
world|pretrain|judge|records|card|all`; `pretrain nano-flan` makes one model alone."""

from __future__ import annotations

from grading.recipes.steps import run_steps

from . import card, judge, pretrain, world

STEPS = {
    "world": world.write_world,
    "pretrain": pretrain.pretrain,
    "judge": judge.train_judge,
    "records": card.write_records,
    "card": card.write_cards,
}


if __name__ == "__main__":
    run_steps("lab1", __doc__, STEPS, names_of="pretrain")
