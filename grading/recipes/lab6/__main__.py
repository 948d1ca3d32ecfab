"""Make what Lab 6 ships, on any CPU: `python -m grading.recipes.lab6 world|pretrain|safeguard|card|all`."""

from __future__ import annotations

from grading.recipes.steps import run_steps

from . import card, pretrain, safeguard, world

STEPS = {
    "world": world.write_world,
    "pretrain": pretrain.pretrain,
    "safeguard": safeguard.train_safeguard,
    "card": card.write_cards,
}


if __name__ == "__main__":
    run_steps("lab6", __doc__, STEPS)
