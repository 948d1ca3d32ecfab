"""Make what Lab 2 ships, on any CPU: `python -m grading.recipes.lab2 world|pretrain|records|card|all`."""

from __future__ import annotations

from grading.recipes.steps import run_steps

from . import card, pretrain, world

STEPS = {
    "world": world.write_world,
    "pretrain": pretrain.pretrain,
    "records": card.write_records,
    "card": card.write_cards,
}


if __name__ == "__main__":
    run_steps("lab2", __doc__, STEPS)
