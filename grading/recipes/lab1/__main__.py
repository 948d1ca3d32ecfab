"""Make what Lab 1 ships, on any CPU: `python -m grading.recipes.lab1
world|pretrain|judge|records|card|all`; `pretrain nano-flan` makes one model alone."""

from __future__ import annotations

import argparse

from . import card, judge, pretrain, world

VERBS = {
    "world": world.write_world,
    "pretrain": pretrain.pretrain,
    "judge": judge.train_judge,
    "records": card.write_records,
    "card": card.write_cards,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grading.recipes.lab1", description=__doc__)
    parser.add_argument("verb", choices=[*VERBS, "all"])
    parser.add_argument("models", nargs="*", help="of pretrain; none: all")
    verb, names = (given := parser.parse_args()).verb, given.models
    if names and verb != "pretrain":
        parser.error(f"only pretrain takes names of models, found {names}")
    for name, function in VERBS.items():
        if verb in (name, "all"):
            print(f"== {name}", flush=True)
            function(*names)


if __name__ == "__main__":
    main()
