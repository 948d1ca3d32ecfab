"""Lab 2, wired together: drafts, a teacher, a filter, Phase A, the published Phase B, its repairs, one table.

    labs run lab2 --profile nano --seed 1 [--field value ...]
    python -m starter.lab2_distillation.run --config configs/nano.yaml --seed 1 --stage validate

Stages, in order; `--stage NAME` stops after one of them. A killed run goes on from the last finished stage
(and the last trained arm) and gives the same numbers.
    data      data/sample_train.jsonl, data/test.jsonl
    drafts    data/student_drafts.jsonl            teacher   data/teacher_outputs.jsonl
    validate  quality_report.json, data/train_baseline.jsonl, data/train_cot.jsonl
    train     models/<arm>                         evaluate  predictions/<arm>.jsonl
    report    metrics.json, results_phase_a.json, ablation.md, plots/*.png
No quantity of a TODO is computed here: it all comes from data.py, method.py and evaluate.py. Left out: what
the numbers mean (report.py).
"""

from __future__ import annotations

import gc
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.api_teacher import ApiSettings, ApiTeacher
from labkit.config import parse, take
from labkit.data import data_path, finite, load_strategyqa, read_jsonl, write_json, write_jsonl, write_text
from labkit.device import pick_device
from labkit.errors import LabError
from labkit.runs import RunFolder
from labkit.teachers import RuleTeacher, Teacher

from . import figures, published, report
from .config import Arm, Config, shrunk
from .data import (
    QUESTION,
    QUESTIONS,
    assistant_mask,
    cluster_of,
    parse_draft,
    parse_teacher,
    quality_report,
    training_text,
)
from .evaluate import exact_mcnemar, parse_prediction, prediction_report, wilson_interval
from .generate import replies
from .method import (
    class_weights,
    consensus,
    kept_prior,
    log_odds_shift,
    lora_coverage,
    rationalise,
    upsample,
)
from .report import EFFECT_TARGETS, effects
from .teaching import draft_messages, sorted_out, taught
from .training import load_base, load_tuned, train_arm, training_rows

__all__ = ["EFFECT_TARGETS", "RECORDED", "STAGES", "Result", "effects", "main", "run"]

STAGES = ("data", "drafts", "teacher", "validate", "train", "evaluate", "report")
PARTS = ("train", "validation")  # the teacher is asked about both; the second is for early stopping
# Metrics that `make effects` keeps in expected.json, over seeds.
RECORDED = ("quality", "control", "base", "ablation")


@dataclass(frozen=True)
class Result:
    """What a run gives back; `metrics` and `effects` are empty when it stopped before `report`."""

    folder: Path
    metrics: dict
    effects: dict[str, float]


def run(config: Config, until: str = "report", teacher: Teacher | None = None) -> Result:
    """The whole lab (or its stages up to `until`) with these settings, in a run folder.

    teacher: whom to ask in the place of the configured one.
    Raises:
        LabError: unknown stage, or a model, a file or a teacher that is missing, with the command that helps.
    """
    if until not in STAGES:
        raise LabError(f"a stage: {', '.join(STAGES)}", repr(until), "--stage")
    folder = RunFolder.open("lab2", config)
    settings = shrunk(config) if config.shrink else config
    device = pick_device()
    steps = {
        "data": lambda: prepare_data(folder, settings),
        "drafts": lambda: draft(folder, settings, device),
        "teacher": lambda: teach(folder, settings, teacher),
        "validate": lambda: validate(folder, settings),
        "train": lambda: train(folder, settings, device),
        "evaluate": lambda: evaluate(folder, settings, device),
        "report": lambda: write_report(folder, settings),
    }
    for name in STAGES[: STAGES.index(until) + 1]:
        print(f"[{name}]")
        steps[name]()
    metrics = json.loads(folder.file("metrics.json").read_text("utf-8")) if until == "report" else {}
    return Result(folder.path, metrics, effects(metrics) if metrics else {})


# ---- data and drafts ----


def prepare_data(folder: RunFolder, config: Config) -> None:
    """A sample of the training and validation questions, drawn with the seed; all test questions."""
    sizes = {"train": config.train_samples, "validation": config.validation_samples}
    with folder.stage("data") as stage:
        paths = {part: stage.file(f"data/sample_{part}.jsonl") for part in PARTS}
        test = stage.file("data/test.jsonl")
        if stage.done:
            return
        for part, path in paths.items():
            rows = questions(config, part)
            random.Random(f"{config.seed}/{part}").shuffle(rows)
            write_jsonl(path, rows[: sizes[part]])
        write_jsonl(test, questions(config, "test")[: config.test_items])


def questions(config: Config, split: str) -> list[dict]:
    """The questions of a split: the course's, or those of a set with StrategyQA's public fields."""
    if config.questions != "course":
        return load_strategyqa(split, config.questions)
    rows = read_jsonl(data_path("lab2_distillation", QUESTIONS), {**QUESTION, "split": str})
    return [row for row in rows if row["split"] == split]


def draft(folder: RunFolder, config: Config, device) -> None:
    """What the untuned model drafts, for the teacher and for prompts that hold a draft."""
    needed = any(arm.context == "draft" for arm in config.arms.values())
    parts = (*PARTS, "test") if needed else PARTS
    with folder.stage("drafts", uses=(parse_draft,)) as stage:
        names = {"train": "data/student_drafts.jsonl"}
        paths = {part: stage.file(names.get(part, f"data/student_drafts_{part}.jsonl")) for part in parts}
        if stage.done:
            return
        model, tokenizer = load_base(config, device)
        for number, (part, path) in enumerate(paths.items()):
            rows = read_jsonl(folder.file(source_of(part)), QUESTION)
            texts = replies(
                model,
                tokenizer,
                [draft_messages(row["question"]) for row in rows],
                max_new_tokens=config.draft_new_tokens,
                batch_size=config.eval_batch_size,
                temperature=config.draft_temperature,
                seed=1000 * config.seed + number,
            )
            write_jsonl(path, [drafted(row, text) for row, (text, _) in zip(rows, texts, strict=True)])


def drafted(row: dict, text: str) -> dict:
    return {"qid": row["qid"], "question": row["question"], "student_draft": text, **parse_draft(text)}


def source_of(part: str) -> str:
    return "data/test.jsonl" if part == "test" else f"data/sample_{part}.jsonl"


def with_drafts(folder: RunFolder, part: str) -> list[dict]:
    """The questions of a part, each with the text of its draft."""
    name = "data/student_drafts.jsonl" if part == "train" else f"data/student_drafts_{part}.jsonl"
    rows = read_jsonl(folder.file(source_of(part)), QUESTION)
    if not folder.file(name).is_file():
        return rows
    drafts = {row["qid"]: row["student_draft"] for row in read_jsonl(folder.file(name))}
    return [{**row, "student_draft": drafts[row["qid"]]} for row in rows]


# ---- the teacher, and what is kept ----


def teach(folder: RunFolder, config: Config, teacher: Teacher | None) -> None:
    """The teacher's letters: `attempts` a question, and one with a hint where gold isn't its consensus."""
    with folder.stage("teacher", uses=(parse_teacher, consensus)) as stage:
        names = {"train": "data/teacher_outputs.jsonl", "validation": "data/teacher_outputs_validation.jsonl"}
        paths = {part: stage.file(name) for part, name in names.items()}
        if stage.done:
            return
        asked = {part: with_drafts(folder, part) for part in PARTS}
        teacher = teacher or make_teacher(folder, config, [row for rows in asked.values() for row in rows])
        for part, path in paths.items():
            write_jsonl(path, taught(teacher, asked[part], config.attempts))


def make_teacher(folder: RunFolder, config: Config, known: Sequence[dict]) -> Teacher:
    """The configured teacher; an API's replies are kept in `teacher_cache` of the run folder."""
    if config.teacher == "rule":
        return RuleTeacher(known, seed=config.seed)
    settings = ApiSettings.from_env(config.env_file)
    return ApiTeacher(settings, folder.file("teacher_cache"), budget=config.budget)


def validate(folder: RunFolder, config: Config) -> None:
    """Keep-if-correct, and what it costs: the published training files, and what 2.10 brings back."""
    with folder.stage("validate", uses=(parse_teacher, quality_report, rationalise)) as stage:
        report_file = stage.file("quality_report.json")
        baseline = stage.file("data/train_baseline.jsonl")
        files = {
            (part, kind): stage.file(f"data/{kind}{'' if part == 'train' else '_validation'}.jsonl")
            for part in PARTS
            for kind in ("train_cot", "rationalised")
        }
        if stage.done:
            return
        found = {}
        for part in PARTS:
            name = (
                "data/teacher_outputs.jsonl" if part == "train" else "data/teacher_outputs_validation.jsonl"
            )
            outputs = read_jsonl(folder.file(name))
            kept, back = sorted_out(outputs)
            if not kept:
                raise LabError("letters whose answer is gold", f"none of {len(outputs)}", folder.file(name))
            found[part] = finite(quality_report(outputs)) | {"rationalised": len(back)}
            write_jsonl(files[part, "train_cot"], kept)
            write_jsonl(files[part, "rationalised"], back)
            if part == "train":
                write_jsonl(baseline, [{k: row[k] for k in ("qid", "question", "answer")} for row in kept])
        write_json(report_file, found)


# ---- train and evaluate ----


def train(folder: RunFolder, config: Config, device) -> None:
    """One adapter for each different training among the arms, the baseline's first."""
    order = sorted(config.arms, key=lambda name: name != config.baseline)
    done: set[str] = set()
    uses = (training_text, assistant_mask, class_weights, upsample, lora_coverage)
    for name in order:
        place, arm = config.folder_of(name), config.arms[name]
        if place in done:
            continue
        done.add(place)
        with folder.stage(f"train_{Path(place).name}", uses=uses) as stage:
            target = stage.file(place)
            if stage.done:
                continue
            start = folder.file(config.folder_of(config.baseline)) if arm.start_from == "phase_a" else None
            rows, held_out = rows_of(folder, config, arm)
            found = train_arm(config, arm, device, rows, held_out, target, start)
            gc.collect()
            print(
                f"  {name}: {found['rows']} rows, {found['optimiser_steps']} steps, "
                f"{found['trainable']:,} trainable, loss {found['training_loss']:.3f}"
            )


def rows_of(folder: RunFolder, config: Config, arm: Arm) -> tuple[list[dict], list[dict]]:
    """(training rows as the arm wants them, validation rows for early stopping)."""
    prior = json.loads(folder.file("quality_report.json").read_text("utf-8"))["train"]["prior_yes"]
    read = {
        (part, kind): read_jsonl(folder.file(f"data/{kind}{'' if part == 'train' else '_validation'}.jsonl"))
        for part in PARTS
        for kind in ("train_cot", "rationalised")
    }
    rows = training_rows(arm, read["train", "train_cot"], read["train", "rationalised"], prior, config.seed)
    everything = Arm(target=arm.target, prior="rationalise")  # the validation loss is of the true classes
    held_out = training_rows(
        everything, read["validation", "train_cot"], read["validation", "rationalised"], prior, config.seed
    )
    return rows, held_out


def evaluate(folder: RunFolder, config: Config, device) -> None:
    """What each arm, and the untuned model, says to every test question; read by both evaluators."""
    uses = (training_text, parse_prediction)
    with folder.stage("evaluate_base", uses=uses) as stage:
        path = stage.file("predictions/base.jsonl")
        if not stage.done:
            model, tokenizer = load_base(config, device)
            write_jsonl(path, answered(folder, config, model, tokenizer, "question"))
    for name, arm in config.arms.items():
        with folder.stage(f"evaluate_{name}", uses=uses) as stage:
            path = stage.file(f"predictions/{name}.jsonl")
            if stage.done:
                continue
            twin = said_already(folder, config, name)
            if twin is None:
                model, tokenizer = load_tuned(config, folder.file(config.folder_of(name)), device)
                rows = answered(folder, config, model, tokenizer, arm.context)
            else:
                rows = read_jsonl(twin)
            write_jsonl(path, rows)


def said_already(folder: RunFolder, config: Config, name: str) -> Path | None:
    """The predictions of an earlier arm that is the same model with the same prompts, if there is one."""
    arm = config.arms[name]
    for other, its in config.arms.items():
        if other == name:
            return None
        if (its.training, its.context) == (arm.training, arm.context):
            return folder.file(f"predictions/{other}.jsonl")
    return None


def answered(folder: RunFolder, config: Config, model, tokenizer, context: str) -> list[dict]:
    """`{"qid", "cluster", "gold", "text", "first", "default_no", "anchored"}` a test question."""
    rows = with_drafts(folder, "test")
    if context == "draft":
        prompts = [published.published_prompt(row, "draft") for row in rows]
    else:
        prompts = [training_text(row, "answer")[:1] for row in rows]  # the same words as in training
    texts = replies(
        model, tokenizer, prompts, max_new_tokens=config.max_new_tokens, batch_size=config.eval_batch_size
    )
    return [
        {
            "qid": row["qid"],
            "cluster": cluster_of(row),
            "gold": row["answer"],
            "text": text,
            "first": first,
            "default_no": published.published_score(first),
            "anchored": parse_prediction(text),
        }
        for row, (text, first) in zip(rows, texts, strict=True)
    ]


# ---- report ----


def write_report(folder: RunFolder, config: Config) -> None:
    """metrics.json, the published results_phase_a.json, the ablation table, and the plots."""
    uses = (prediction_report, wilson_interval, exact_mcnemar, kept_prior, log_odds_shift)
    with folder.stage("report", uses=uses) as stage:
        path, table = stage.file("metrics.json"), stage.file("ablation.md")
        phase_a = stage.file("results_phase_a.json")
        if not stage.done:
            found = report.metrics(folder, config)
            figures.plots(found, folder)
            write_text(table, report.ablation_table(found))
            write_json(phase_a, report.phase_a(found, config))
            write_json(path, found)
    found = json.loads(path.read_text("utf-8"))
    print(report.ablation_table(found))
    print(report.effect_table(found))
    print(f"results: {folder.path}")


# ---- command line ----


def main(argv: Sequence[str] | None = None) -> Result:
    """`--config FILE | --profile NAME`, `--stage NAME`, `--field value`."""
    words = list(sys.argv[1:] if argv is None else argv)
    until = take(words, "--stage") or "report"
    return run(parse(Config, words, presets=Path(__file__).parent / "configs"), until)


if __name__ == "__main__":
    from labkit.cli import guarded

    guarded(main, "python -m starter.lab2_distillation.run")
