"""Do the lab's effects hold? Retrains all arms on nano over seeds and compares with the targets.

    grading effects --lab lab4 --seeds "1 2 3 4 5" --record

A lab's `report.py` (or `run.py`) has `EFFECT_TARGETS` and `effects(metrics) -> {name: number}`; its
`run.main` returns a Result with `.effects`. Each seed runs in its own process on the staged solutions, into
runs/effects/<lab>/seed<N>, which goes on where a killed run stopped. An effect holds if its mean over the
seeds meets its target: ">= 5", "> 0", "<= 1" (a number means at least that much). `--record` writes
solutions/<package>/expected.json:

    {"command": "make effects LAB=lab4 SEEDS=\\"1 2\\"", "profile": "nano", "seeds": [1, 2], "effects":
     {"maj8_gain": {"target": ">= 0.05", "mean": 0.09, "sd": 0.01, "values": [0.08, 0.1], "holds": true}},
     "records": {"mean": {"curves": {...}}, "low": {...}, "high": {...}}}

`records`: the parts of the metrics that `run.RECORDED` names, number by number the mean, minimum and maximum
over the seeds; the notebook draws what it can't compute live from them.

Seeds are recorded once, after the settings are frozen: settings chosen on them would make them mean nothing.
"""

from __future__ import annotations

import json
import math
import operator
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from labkit.course import Lab, load_course
from labkit.data import write_json
from labkit.errors import LabError

from .stage import environment, staff_root, stage

RUN = """
import importlib, json, sys
package, out, *words = sys.argv[1:]
run = importlib.import_module(f"starter.{package}.run")
result = run.main(words)
targets = getattr(run, "EFFECT_TARGETS", None)
if targets is None:
    targets = importlib.import_module(f"starter.{package}.report").EFFECT_TARGETS
records = {name: result.metrics[name] for name in getattr(run, "RECORDED", ())}
with open(out, "w", encoding="utf-8") as file:
    json.dump({"effects": result.effects, "targets": targets, "records": records}, file)
"""


@dataclass(frozen=True)
class Effect:
    """One effect over the seeds. sd: sample deviation, 0.0 with one seed; holds: mean meets target."""

    target: str
    mean: float
    sd: float
    values: tuple[float, ...]
    holds: bool


def measure(lab: str | None, seeds: Sequence[int], record: bool = False, root: Path | None = None) -> bool:
    """Run every seed, print the table; True if every effect of every lab holds.

    Raises LabError: no seeds, a run that failed (its last words), or effects without target.
    """
    root = Path(root or staff_root())
    course = load_course(root)
    if not seeds or len(set(seeds)) != len(seeds):
        raise LabError("different seeds, at least one", str(list(seeds)), "--seeds")
    all_hold = True
    for one in [course.lab(lab)] if lab else course.labs:
        runs = [run_seed(one, seed, root) for seed in seeds]
        effects = summarise(runs, one)
        show(one, seeds, effects)
        all_hold &= all(effect.holds for effect in effects.values())
        if record:
            path = root / "solutions" / one.package / "expected.json"
            write_json(path, as_record(one, seeds, effects, [run["records"] for run in runs]))
            print(f"recorded in {path.relative_to(root)}; run: grading build")
    return all_hold


def run_seed(lab: Lab, seed: int, root: Path) -> dict:
    """{"effects": {name: number}, "targets": {name: number}} of one seed, from its run folder if finished."""
    folder = root / "runs" / "effects" / lab.key / f"seed{seed}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    words = ["--profile", "nano", "--seed", str(seed), "--out", str(folder)]
    with stage("solutions", [lab.key], root=root) as tree, tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "effects.json"
        done = subprocess.run(
            [sys.executable, "-c", RUN, lab.package, str(out), *words],
            cwd=tree,
            env={**environment(tree), "TOKENIZERS_PARALLELISM": "false"},
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        if done.returncode != 0 or not out.is_file():
            last = "\n".join(done.stderr.strip().splitlines()[-5:])
            command = f"labs run {lab.key} --profile nano --seed {seed}"
            raise LabError(f"the run of seed {seed} to finish", last, os.path.relpath(folder), command)
        return json.loads(out.read_text(encoding="utf-8"))


def summarise(runs: Sequence[dict], lab: Lab) -> dict[str, Effect]:
    """Effects over seeds, in the order of the targets.

    Raises LabError: a target without its effect or the other way round, in any run, or a NaN.
    """
    targets = runs[0]["targets"]
    effects = {}
    for run in runs:
        if set(run["effects"]) != set(targets):
            different = ", ".join(sorted(set(run["effects"]) ^ set(targets)))
            raise LabError("EFFECT_TARGETS and effects() with the same names", different, lab.package)
    for name, target in targets.items():
        values = tuple(float(run["effects"][name]) for run in runs)
        if any(math.isnan(value) for value in values):
            raise LabError("a number for every effect", f"NaN for {name}", lab.package)
        mean = statistics.fmean(values)
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        effects[name] = Effect(str(target), mean, spread, values, meets(mean, target, lab.package))
    return effects


def meets(mean: float, target: str | float, where: str = "") -> bool:
    """Whether `mean` meets a target such as ">= 5", "> 0" or "<= 1"; a number means at least that much.

    Raises LabError: a target of another form.
    """
    sign, _, number = str(target).rpartition(" ")
    compare = {"": operator.ge, ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
    try:
        return compare[sign](mean, float(number))
    except (KeyError, ValueError):
        raise LabError("a target such as '>= 5' or '> 0'", repr(target), where) from None


def as_record(
    lab: Lab, seeds: Sequence[int], effects: dict[str, Effect], records: Sequence[dict] = ()
) -> dict:
    """What expected.json holds (module docstring)."""
    over = {"mean": statistics.fmean, "low": min, "high": max}
    return {
        "command": f'make effects LAB={lab.key} SEEDS="{" ".join(map(str, seeds))}"',
        "profile": "nano",
        "seeds": list(seeds),
        "effects": {
            name: {**asdict(effect), "values": list(effect.values)} for name, effect in effects.items()
        },
        "records": {name: over_seeds(records, combine) for name, combine in over.items()} if records else {},
    }


def over_seeds(trees: Sequence, combine: Callable[[list[float]], float]):
    """One tree of dicts and lists, `combine` of the seeds' numbers at each leaf; other leaves: the first's.

    A number that one seed doesn't have (null) is null. Raises LabError: trees of different shape.
    """
    first = trees[0]
    if any(type(tree) is not type(first) for tree in trees) and not all(
        tree is None or isinstance(tree, (int, float)) for tree in trees
    ):
        raise LabError("the same records from every seed", f"{first!r} and others", "RECORDED")
    if isinstance(first, dict):
        if any(tree.keys() != first.keys() for tree in trees):
            raise LabError("the same records from every seed", "different names", "RECORDED")
        return {name: over_seeds([tree[name] for tree in trees], combine) for name in first}
    if isinstance(first, list):
        if any(len(tree) != len(first) for tree in trees):
            raise LabError("the same records from every seed", "lists of different length", "RECORDED")
        return [over_seeds(items, combine) for items in zip(*trees, strict=True)]
    if any(tree is None for tree in trees):
        return None
    if isinstance(first, (int, float)) and not isinstance(first, bool):
        return combine([float(tree) for tree in trees])
    return first


def show(lab: Lab, seeds: Sequence[int], effects: dict[str, Effect]) -> None:
    """Print effect, target, mean, spread, and whether it holds."""
    table = Table(title=f"{lab.key}: effects on nano over seeds {' '.join(map(str, seeds))}")
    for column in ("effect", "target", "mean", "sd", "by seed", ""):
        side = "left" if column in ("effect", "") else "right"
        table.add_column(column, justify=side, no_wrap=column != "by seed")
    for name, effect in effects.items():
        values = " ".join(f"{value:.2f}" for value in effect.values)
        verdict = "[green]holds[/]" if effect.holds else "[red]falls short[/]"
        numbers = (effect.target, f"{effect.mean:.2f}", f"{effect.sd:.2f}")
        table.add_row(name, *numbers, values, verdict)
    Console().print(table)
