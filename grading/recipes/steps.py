"""The command line of a lab's recipe: `python -m grading.recipes.labN STEP`, or `all` of them in order."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping


def run_steps(lab: str, text: str, steps: Mapping[str, Callable[..., object]], names_of: str = "") -> None:
    """Run the step that the command line names, or all of them in order.

    Args:
        lab: for the usage, "lab4". text: what the recipe makes. names_of: the step that takes names behind
            it ("pretrain nano-flan"), "" for none.
    """
    parser = argparse.ArgumentParser(prog=f"python -m grading.recipes.{lab}", description=text)
    parser.add_argument("step", choices=[*steps, "all"])
    if names_of:
        parser.add_argument("names", nargs="*", help=f"of {names_of}; none: all")
    given = parser.parse_args()
    names = given.names if names_of else []
    if names and given.step != names_of:
        parser.error(f"only {names_of} takes names, found {names}")
    for name, function in steps.items():
        if given.step in (name, "all"):
            print(f"== {name}", flush=True)
            function(*names)
