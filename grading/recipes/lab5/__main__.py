"""Make what Lab 5 ships, on any CPU: `python -m grading.recipes.lab5 world|pretrain|card|all`."""

from __future__ import annotations

from grading.recipes.steps import run_steps

from . import card, pretrain, world

STEPS = {
    "world": world.write_world,
    "pretrain": pretrain.pretrain,
    "card": card.write_cards,
}


if __name__ == "__main__":
    run_steps("lab5", __doc__, STEPS)
