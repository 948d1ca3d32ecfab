"""Make what Lab 6 ships, on any CPU: `python -m grading.recipes.lab6 world|pretrain|safeguard|card|all`."""

from __future__ import annotations

import argparse

from . import card, pretrain, safeguard, world

VERBS = {
    "world": world.write_world,
    "pretrain": pretrain.pretrain,
    "safeguard": safeguard.train_safeguard,
    "card": card.write_cards,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grading.recipes.lab6", description=__doc__)
    parser.add_argument("verb", choices=[*VERBS, "all"])
    verb = parser.parse_args().verb
    for name, function in VERBS.items():
        if verb in (name, "all"):
            print(f"== {name}", flush=True)
            function()


if __name__ == "__main__":
    main()
