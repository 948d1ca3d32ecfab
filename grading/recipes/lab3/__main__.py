"""Make what Lab 3 ships, on any CPU: `python -m grading.recipes.lab3 checkpoints|pairs|records|card|all`."""

from __future__ import annotations

import argparse

from . import card, checkpoints, pairs, records

VERBS = {
    "checkpoints": checkpoints.write_checkpoints,
    "pairs": pairs.write_pairs,
    "records": records.write_records,
    "card": card.write_cards,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grading.recipes.lab3", description=__doc__)
    parser.add_argument("verb", choices=[*VERBS, "all"])
    verb = parser.parse_args().verb
    for name, function in VERBS.items():
        if verb in (name, "all"):
            print(f"== {name}", flush=True)
            function()


if __name__ == "__main__":
    main()
