"""Lab 5, wired together: judgment training epoch by epoch, and the three phases.

    labs run lab5 --profile nano --seed 1 [--field value ...]
    python -m starter.lab5_metacognition.run --config configs/nano.yaml --seed 1 --pipeline judgment
    labs run lab5 --config multiphase --phase 2 --experiment NAME          # published options work as well

The folder of a run holds `experiments/`, with the published folders of both pipelines, `metrics.json` and
`plots/`. A killed run goes on from the last finished stage, inside a stage from the last shard, and gives the
same numbers, on any number of processes. No quantity of a TODO is computed here: it all comes from data.py,
method.py and evaluate.py. Left out: the stages of the pipelines (judging.py, phases.py) and what the numbers
mean (report.py).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.config import as_dict, build, parse, take
from labkit.data import read_jsonl, write_json, write_jsonl, write_text
from labkit.device import pick_device
from labkit.errors import LabError
from labkit.runs import CONFIG, RunFolder

from . import figures, published, report, tables
from .config import Config, shrunk
from .data import load_records
from .judging import run_judgment
from .phases import questions_file, run_phases
from .report import EFFECT_TARGETS, effects
from .system import System

__all__ = ["EFFECT_TARGETS", "RECORDED", "Result", "effects", "main", "run"]

# Metrics that `make effects` keeps in expected.json, over seeds.
RECORDED = ("controls", "chance", "curves", "phases")


@dataclass(frozen=True)
class Result:
    """What a run gives back; `effects` is empty when it stopped after a phase."""

    folder: Path
    metrics: dict
    effects: dict[str, float]


def run(config: Config) -> Result:
    """Both pipelines (or one of them) with these settings, in a run folder; after `phase` 1 or 2 no effects.

    Raises LabError: a model, a file or an earlier phase that is missing, with the command that helps.
    """
    folder = RunFolder.open("lab5", config)
    settings = shrunk(config) if config.shrink else config
    pick_device(settings.force_cpu)
    begin_again(folder, settings)
    prepare_data(folder, settings)
    system = System(folder, settings)
    if settings.pipeline != "multiphase":
        print("[judgment training]")
        run_judgment(system)
    if settings.pipeline != "judgment":
        print("[three phases]")
        run_phases(system)
        if settings.phase not in (None, 3):
            return Result(folder.path, write_report(folder, settings, f"_phase{settings.phase}"), {})
    metrics = write_report(folder, settings)
    return Result(folder.path, metrics, effects(metrics))


def begin_again(folder: RunFolder, config: Config) -> None:
    """Forgets the epochs from `start_epoch` on, which is how a run is resumed from an earlier one.

    Raises LabError: the epoch before it isn't there.
    """
    if config.start_epoch == 1:
        return
    for selection in config.selections:
        before = f"{published.judgment_folder(config, selection)}/epoch_{config.start_epoch - 1}"
        if not folder.file(before).is_dir():
            raise LabError(
                f"epoch {config.start_epoch - 1}, to go on from", "no such folder", folder.file(before)
            )
    for record in (folder.path / ".stages").glob("*.json"):
        arm, _, number = record.stem.rpartition("_")
        epoch = int(number) if arm.startswith("a_") and number.isdigit() else 0
        if epoch >= config.start_epoch or record.stem == "report":
            record.unlink()


def prepare_data(folder: RunFolder, config: Config) -> None:
    """The first so many questions of each split; entities of the two are disjoint in the course's data."""
    sizes = {
        "data/train.jsonl": ("train", config.num_samples),
        "data/val.jsonl": ("validation", config.num_val_samples),
    }
    sizes[questions_file("train")] = ("train", config.train_samples)
    sizes[questions_file("test")] = ("validation", config.test_samples)
    source = config.source
    if source == "hub":
        source = {"triviaqa": "mandarjoshi/trivia_qa", "hotpotqa": "hotpotqa/hotpot_qa"}[config.dataset]
    with folder.stage("data") as stage:
        paths = {name: stage.file(name) for name in sizes}
        if not stage.done:
            for name, (split, limit) in sizes.items():
                rows = load_records(config.dataset, split, source, limit)
                if len(rows) < limit:
                    print(f"{name}: {len(rows)} questions; {limit} were asked for, and there are no more")
                write_jsonl(paths[name], rows)
            for train, test in (("train", "val"), ("phases_train", "phases_test")):
                no_question_on_two_sides(paths[f"data/{train}.jsonl"], paths[f"data/{test}.jsonl"])


def no_question_on_two_sides(train: Path, test: Path) -> None:
    """Raises LabError: an entity (a real row is its own) of training that is tested on as well."""
    sides = [{row["entity"] for row in read_jsonl(path)} for path in (train, test)]
    shared = sorted(sides[0] & sides[1])
    if shared:
        found = f"{len(shared)} in both, {shared[0]!r} for one"
        raise LabError(f"entities of {test.name} that training doesn't know", found, test)


def write_report(folder: RunFolder, config: Config, after: str = "") -> dict:
    """metrics.json, the published tables, and the plots. after: of a run that stopped after a phase."""
    with folder.stage(f"report{after}", uses=report.USES) as stage:
        path, table = stage.file(f"metrics{after}.json"), stage.file(f"summary{after}.txt")
        if not stage.done:
            found = report.metrics(folder, config)
            if not after:
                figures.plots(found, folder)
            for name, arm in found["judgment"].items():
                text = published.summary(arm["epochs"])
                write_text(folder.file(f"{published.judgment_folder(config, name)}/summary.txt"), text)
            write_text(table, tables.tables(found))
            write_json(path, found)
    print(table.read_text("utf-8"))
    print(f"results: {folder.path}")
    return json.loads(path.read_text("utf-8"))


# ---- command line ----


def main(argv: Sequence[str] | None = None) -> Result:
    """`--config FILE | --profile NAME`, `--field value`; the published options by their published names."""
    words = list(sys.argv[1:] if argv is None else argv)
    return run(configured(words))


def configured(words: Sequence[str]) -> Config:
    """The configuration of a command line; some published names depend on the pipeline."""
    presets = Path(__file__).parent / "configs"
    copy, words = list(words), list(words)
    chosen = take(copy, "--config") or take(copy, "--profile") or "nano"
    preset = parse(Config, ["--config", chosen], presets=presets)
    asked = take(copy, "--pipeline")
    if asked is None and any(word.partition("=")[0] == "--phase" for word in words):
        words += ["--pipeline", "multiphase"]  # only it has phases
        asked = "multiphase"
    words = published.translated(words, asked or preset.pipeline)
    config = parse(Config, words, presets=presets)
    config = replace(config, profile=published.run_name(config, preset))
    return resumed(config, words) if config.resume and config.experiment else config


def resumed(config: Config, words: Sequence[str]) -> Config:
    """The settings that an experiment was begun with, so that its name is enough to go on with it.

    Args:
        config: what the command line alone asks for. words: that line; what it names is kept, and refused
            later where it isn't as it was.
    Raises:
        LabError: no such experiment.
    """
    path = RunFolder.place("lab5", config) / CONFIG
    if not path.is_file():
        command = "the same without --resume begins it; --out FOLDER if it lies elsewhere"
        raise LabError(f"experiment {config.experiment} to resume", "no such run", path, command)
    known = json.loads(path.read_text("utf-8"))
    named = {word[2:].partition("=")[0].replace("-", "_") for word in words if word.startswith("--")}
    named |= {"profile", "out", *Config.not_compared}
    return build(Config, known | {k: v for k, v in as_dict(config).items() if k in named}, path)


if __name__ == "__main__":
    from labkit.cli import guarded

    guarded(main, "python -m starter.lab5_metacognition.run")
