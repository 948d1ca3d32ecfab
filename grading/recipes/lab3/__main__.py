"""Make what Lab 3 ships, on any CPU: `python -m grading.recipes.lab3 checkpoints|pairs|records|card|all`."""

from __future__ import annotations

from grading.recipes.steps import run_steps

from . import card, checkpoints, pairs, records

STEPS = {
    "checkpoints": checkpoints.write_checkpoints,
    "pairs": pairs.write_pairs,
    "records": records.write_records,
    "card": card.write_cards,
}


if __name__ == "__main__":
    run_steps("lab3", __doc__, STEPS)
