"""Lab 6, wired together: exemplars, QLoRA, a sweep, problems, hazards, a safeguard, pass or fail.

    labs run lab6 --config simple --seed 1 --smoke-test
    python -m starter.lab6_safety.run --config configs/nano.yaml --seed 1 [--stage train]

Stages in order, with what they write into `results/` (but `data`); `--stage NAME` stops after one of them. A
killed run goes on from the last finished stage (training, checkpoint of a sweep, arm) with the same numbers.
    data   data/fewshot_gsm8k_fixed.jsonl, leaks.json    train     run_<arm>/checkpoints
    sweep  checkpoint_scores_<arm>.csv                   evaluate  gsm8k_preds_<arm>, ailuminate_preds_<arm>
    safety ailuminate_safety_<arm>.jsonl                 report    summary.csv, ../metrics.json, ../plots/
No TODO's quantity is computed here: all of it comes from data.py, method.py and evaluate.py. Left out: what
the numbers mean (report.py).
"""

from __future__ import annotations

import gc
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from labkit.config import parse, take
from labkit.data import read_jsonl, write_json, write_jsonl, write_text
from labkit.device import pick_device
from labkit.errors import LabError
from labkit.runs import RunFolder

from . import assets, figures, report, tables
from .config import Arm, Config, sized
from .data import assistant_labels, fewshot_pool, find_leaks, mix_replay
from .evaluate import (
    baseline_check,
    choose_checkpoint,
    corrected_rate,
    over_refusal,
    parse_final_answer,
    reply_kind,
    safety_rates,
    score_replies,
)
from .generate import replied, solved, with_kinds, with_verdicts
from .method import lora_targets, storage_bytes
from .report import EFFECT_TARGETS, effects
from .training import checkpoints_of, load_arm, memory, step_of, train_arm

__all__ = ["EFFECT_TARGETS", "RECORDED", "STAGES", "Result", "effects", "main", "run"]

STAGES = ("data", "train", "safeguard", "sweep", "evaluate", "safety", "report")
# Metrics that `make effects` keeps in expected.json, over seeds.
RECORDED = ("n", "templates", "arms", "safeguard", "sweeps")
SETS = {"ailuminate": assets.HAZARDS, "benign": assets.BENIGN}  # by the names of the prediction files


@dataclass(frozen=True)
class Result:
    """What a run gives back; `metrics` and `effects` are empty when it stopped before `report`."""

    folder: Path
    metrics: dict
    effects: dict[str, float]


def run(config: Config, until: str = "report") -> Result:
    """The whole lab (or its stages up to `until`) with these settings, in a run folder.

    Raises:
        LabError: unknown stage, or an asset that is missing, empty or changed, with the command that helps;
            before anything is trained.
    """
    if until not in STAGES:
        raise LabError(f"a stage: {', '.join(STAGES)}", repr(until), "--stage")
    settings = sized(config)
    assets.require(settings, settings.chosen_arms)
    folder = RunFolder.open("lab6", config)
    device = pick_device()
    steps = {
        "data": lambda: prepare_data(folder, settings),
        "train": lambda: train(folder, settings, device),
        "safeguard": lambda: check_safeguard(folder, settings, device),
        "sweep": lambda: sweep(folder, settings, device),
        "evaluate": lambda: evaluate(folder, settings, device),
        "safety": lambda: judge(folder, settings, device),
        "report": lambda: write_report(folder, settings),
    }
    for name in STAGES[: STAGES.index(until) + 1]:
        print(f"[{name}]")
        steps[name]()
    metrics = json.loads(folder.file("metrics.json").read_text("utf-8")) if until == "report" else {}
    return Result(folder.path, metrics, effects(metrics) if metrics else {})


# ---- data ----


def prepare_data(folder: RunFolder, config: Config) -> None:
    """The fixed exemplars, and each training file without what repeats them or a test problem."""
    kinds = sorted({arm.data for arm in config.chosen_arms.values() if arm.epochs})
    with folder.stage("data", uses=(fewshot_pool, find_leaks)) as stage:
        pool_file, leaks_file = stage.file("data/fewshot_gsm8k_fixed.jsonl"), stage.file("data/leaks.json")
        paths = {kind: stage.file(f"data/train_{kind}.jsonl") for kind in kinds}
        if stage.done:
            return
        held_out = {split: assets.problems(config, split) for split in ("validation", "test")}
        candidates, drawn_from = without_leaks(
            assets.problems(config, "train"), {}, held_out, config.test_leaks
        )
        pool = fewshot_pool(candidates, config.pool_size, config.pool_seed)
        write_jsonl(pool_file, pool)
        found = {"pool": drawn_from}
        for kind, path in paths.items():
            rows = assets.training_file(config, Arm(data=kind))
            kept, found[kind] = without_leaks(rows, {"exemplars": pool}, held_out, config.test_leaks)
            write_jsonl(path, kept[: config.train_items])
        write_json(leaks_file, found)


def without_leaks(rows: list[dict], exemplars: dict, held_out: dict, rules: Sequence[str]):
    """(the rows that stay, what was found by part and rule).

    Whatever repeats an exemplar goes; of what repeats a problem held out, what `rules` name.
    """
    questions = [row["question"] for row in rows]
    out, counts = set(), {}
    for part, protected in {**exemplars, **held_out}.items():
        found = find_leaks(questions, [row["question"] for row in protected])
        out |= {index for index, rule in found.items() if part in exemplars or rule in rules}
        counts[part] = dict(Counter(found.values()))
    kept = [row for index, row in enumerate(rows) if index not in out]
    if not kept:
        raise LabError("training rows that repeat no exemplar and nothing held out", f"none of {len(rows)}")
    return kept, {"rows": len(rows), "removed": len(out), **counts}


def exemplars(folder: RunFolder, count: int) -> list[dict]:
    return read_jsonl(folder.file("data/fewshot_gsm8k_fixed.jsonl"))[:count]


# ---- train, and choose a checkpoint ----


def train(folder: RunFolder, config: Config, device) -> None:
    """One training for each different one among the arms; every arm's settings beside it, as published."""
    for name, arm in config.chosen_arms.items():
        with folder.stage(f"settings_{name}") as stage:
            path = stage.file(f"results/run_{name}/config_resolved.json")
            if not stage.done:
                write_json(path, {**{k: v for k, v in asdict(config).items() if k != "arms"}, **asdict(arm)})
    for name, arm in config.chosen_arms.items():
        if not arm.epochs or config.trained_as(name) != name:
            continue
        with folder.stage(f"train_{name}", uses=(assistant_labels, mix_replay, lora_targets)) as stage:
            target = folder.file(f"results/run_{name}")
            stage.file(f"results/run_{name}/checkpoints")
            if stage.done:
                continue
            rows = read_jsonl(folder.file(f"data/train_{arm.data}.jsonl"))
            if arm.replay:
                replay = read_jsonl(assets.file(config, "replay.jsonl"))
                rows = mix_replay(rows, replay, arm.replay, config.seed)
            found = train_arm(config, arm, rows, exemplars(folder, config.train_shots), device, target)
            gc.collect()
            print(
                f"  {name}: {found['rows']} rows, {found['optimiser_steps']} steps, "
                f"{found['trainable']:,} trainable, loss {found['training_loss']:.3f}"
            )


def sweep(folder: RunFolder, config: Config, device) -> None:
    """For arms with a sweep: their latest checkpoints on validation items, one at a time, and the choice."""
    for name, arm in config.chosen_arms.items():
        if not arm.sweep or config.chosen_as(name) != name:
            continue
        rows = []
        for checkpoint in checkpoints_of(trained_in(folder, config, name))[-arm.sweep :]:
            uses = (parse_final_answer, reply_kind, score_replies, safety_rates, over_refusal)
            with folder.stage(f"sweep_{name}_{step_of(checkpoint)}", uses=uses) as stage:
                path = stage.file(f"results/sweep_{name}/{checkpoint.name}.json")
                if not stage.done:
                    print(f"  {name}: step {step_of(checkpoint)} …", flush=True)
                    write_json(path, on_validation(folder, config, arm, checkpoint, device))
            rows.append(json.loads(path.read_text("utf-8")))
        with folder.stage(f"sweep_{name}", uses=(choose_checkpoint,)) as stage:
            table = stage.file(f"results/checkpoint_scores_{name}.csv")
            chosen = stage.file(f"results/run_{name}/chosen.json")
            if not stage.done:
                best = choose_checkpoint(rows, config.checkpoint_tolerance)
                write_text(table, tables.checkpoint_csv(rows, best))
                told = [{**row, "chosen": float(row["checkpoint"] == best)} for row in rows]
                write_json(chosen, {"checkpoint": best, "rows": told})


def on_validation(folder: RunFolder, config: Config, arm: Arm, checkpoint: Path, device) -> dict:
    """One row of the sweep: a checkpoint's accuracy, safety and over-refusal on validation items."""
    limit, arm = config.validation_items, replace(arm, system_prompt=False)  # that one is for the test
    model, tokenizer = load_arm(config, checkpoint, device)
    shown = exemplars(folder, arm.shots)
    answers = solved(config, arm, assets.problems(config, "validation")[:limit], shown, model, tokenizer)
    said = {
        key: replied(
            config,
            arm,
            assets.prompts(config, name.replace(".jsonl", "_validation.jsonl"), limit),
            model,
            tokenizer,
        )
        for key, name in SETS.items()
    }
    del model
    hazards = with_verdicts(config, with_kinds(config, said["ailuminate"]), device)
    return {
        "checkpoint": checkpoint.name,
        "step": step_of(checkpoint),
        "split": "validation",
        "accuracy": sum(row["correct"] for row in answers) / len(answers),
        "safety": safety_rates(hazards)["safety"],
        "over_refusal": over_refusal(with_kinds(config, said["benign"]))["rate"],
    }


def trained_in(folder: RunFolder, config: Config, name: str) -> Path:
    return folder.file(f"results/run_{config.trained_as(name)}")


def adapter_of(folder: RunFolder, config: Config, name: str) -> Path | None:
    """The adapter that an arm is evaluated with: chosen, or the latest; None for the untuned model."""
    arm = config.arms[name]
    if not arm.epochs:
        return None
    there = checkpoints_of(trained_in(folder, config, name))
    if not arm.sweep:
        return there[-1]
    swept = folder.file(f"results/run_{config.chosen_as(name)}/chosen.json")
    chosen = json.loads(swept.read_text("utf-8"))["checkpoint"]
    return next(path for path in there if path.name == chosen)


# ---- evaluate ----


def evaluate(folder: RunFolder, config: Config, device) -> None:
    """What the loaded model weighs; what each arm says to every test problem, hazard and look-alike."""
    with folder.stage("memory", uses=(storage_bytes,)) as stage:
        path = stage.file("results/memory.json")
        if not stage.done:
            write_json(path, memory(load_arm(config, None, device)[0]) if config.quantize else {})
    for name, arm in config.chosen_arms.items():
        with folder.stage(f"evaluate_{name}", uses=(parse_final_answer,)) as stage:
            preds = stage.file(f"results/gsm8k_preds_{name}.jsonl")
            paths = {key: stage.file(f"results/{key}_preds_{name}.jsonl") for key in SETS}
            if stage.done:
                continue
            print(f"  {name} …", flush=True)
            twin = said_already(folder, config, name)
            problems = assets.problems(config, "test")[: config.test_items]
            model, tokenizer = load_arm(config, adapter_of(folder, config, name), device)
            shown = exemplars(folder, arm.shots)
            write_jsonl(preds, solved(config, arm, problems, shown, model, tokenizer))
            for key, path in paths.items():
                if twin is None:
                    prompts = assets.prompts(config, SETS[key], config.hazard_items)
                    write_jsonl(path, replied(config, arm, prompts, model, tokenizer))
                else:
                    write_jsonl(path, read_jsonl(folder.file(f"results/{key}_preds_{twin}.jsonl")))


def said_already(folder: RunFolder, config: Config, name: str) -> str | None:
    """An earlier arm that replies to hazards alike: the same adapter and system's text, if there is one."""
    mine = (adapter_of(folder, config, name), config.arms[name].system_prompt)
    for other in config.chosen_arms:
        if other == name:
            return None
        if (adapter_of(folder, config, other), config.arms[other].system_prompt) == mine:
            return other
    return None


# ---- the safeguard ----


def check_safeguard(folder: RunFolder, config: Config, device) -> None:
    """The safeguard on replies whose truth is known, if there are any: what its verdicts are worth."""
    with folder.stage("safeguard", uses=(score_replies, reply_kind)) as stage:
        path = stage.file("results/safeguard_labelled.jsonl")
        if not stage.done:
            write_jsonl(path, with_verdicts(config, with_kinds(config, assets.labelled(config)), device))


def judge(folder: RunFolder, config: Config, device) -> None:
    """The safeguard's verdict on every reply to a hazard, and what kind of reply it is."""
    for name in config.chosen_arms:
        with folder.stage(f"safety_{name}", uses=(score_replies, reply_kind)) as stage:
            path = stage.file(f"results/ailuminate_safety_{name}.jsonl")
            benign = stage.file(f"results/benign_kinds_{name}.jsonl")
            if stage.done:
                continue
            rows = with_kinds(config, read_jsonl(folder.file(f"results/ailuminate_preds_{name}.jsonl")))
            write_jsonl(path, with_verdicts(config, rows, device))
            said = read_jsonl(folder.file(f"results/benign_preds_{name}.jsonl"))
            write_jsonl(benign, with_kinds(config, said))


# ---- report ----


def write_report(folder: RunFolder, config: Config) -> None:
    """metrics.json, the published summary.csv, the table of all arms, and the plots."""
    uses = (baseline_check, corrected_rate, safety_rates, over_refusal)
    with folder.stage("report", uses=uses) as stage:
        path, table = stage.file("metrics.json"), stage.file("arms.md")
        summary = stage.file("results/summary.csv")
        if not stage.done:
            found = report.metrics(
                folder, config, {n: adapter_of(folder, config, n) for n in config.chosen_arms}
            )
            figures.plots(found, folder)
            write_text(table, tables.arms_table(found))
            write_text(summary, tables.summary_csv(found, config))
            write_json(path, found)
    found = json.loads(path.read_text("utf-8"))
    print(tables.arms_table(found))
    print(tables.baseline_lines(found))
    print(tables.effect_table(found))
    print(f"results: {folder.path}")


# ---- command line ----


def main(argv: Sequence[str] | None = None) -> Result:
    """`--config FILE | --profile NAME`, `--stage NAME`, `--field value`."""
    words = list(sys.argv[1:] if argv is None else argv)
    until = take(words, "--stage") or "report"
    return run(parse(Config, words, presets=Path(__file__).parent / "configs"), until)


if __name__ == "__main__":
    from labkit.cli import guarded

    guarded(main, "python -m starter.lab6_safety.run")
