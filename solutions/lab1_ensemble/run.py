"""Lab 1, wired together: two architectures tuned on one task, compared, voted on, judged, and asked how sure.

    labs run lab1 --profile nano --seed 1 [--field value ...]
    python -m starter.lab1_ensemble.run --platform unix --force_cpu --skip_training --use_judge
    labs run lab1 --profile nano --seed 1 --skip_training --excerpt-file my_manual.txt

Stages, in order; `--stage NAME` stops after one of them. A killed run goes on from the last finished stage
(training: from the last finished epoch) and gives the same numbers.
    data      data/*.jsonl                               train     checkpoints/<model>/final_model
    predict   predictions/<model>_<set>.jsonl            compare   ensemble_report.json
    judge     ensemble_report_with_llm_judge.json (with --use_judge)
    report    metrics.json, plots/*.png
<set>: `validation` (frames that no training row has; the statistics come from it) and `held_out` (the
published 10 %). No quantity of a TODO is computed here: it all comes from data.py, method.py and evaluate.py.
Left out: what the numbers mean (report.py, scoring.py).
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.config import parse, take
from labkit.data import data_path, finite, read_jsonl, write_json, write_jsonl
from labkit.errors import LabError
from labkit.runs import RunFolder

from . import analysis, excerpt, figures, report, scoring
from .config import Config, shrunk
from .data import (
    DATA_FILE,
    LABELS_FILE,
    RECORD,
    RELATIONS_FILE,
    build_prompts,
    encode_causal,
    encode_seq2seq,
    split_examples,
)
from .evaluate import (
    cohen_kappa,
    error_correlation,
    fleiss_kappa,
    gwet_ac1,
    independent_agreement,
    report_record,
    risk_coverage,
)
from .judge import VERDICT_OF, judge_pairs, judgment, load_judge
from .method import (
    check_format,
    combine_verdicts,
    ensemble_vote,
    extract_gadget_type,
    normalize_gadget_type,
    parse_verdict,
)
from .predict import generate
from .report import EFFECT_TARGETS, effects
from .system import set_up_device
from .training import FINAL, load_entry, load_trained, train_model

__all__ = ["EFFECT_TARGETS", "RECORDED", "SETS", "STAGES", "Result", "effects", "main", "run"]

STAGES = ("data", "train", "predict", "compare", "judge", "report")
SETS = ("validation", "held_out")
# Metrics that `make effects` keeps in expected.json, over seeds.
RECORDED = ("models", "pairs", "all_models", "untuned", "votes", "risk_at", "judge_scores")
READING = (extract_gadget_type, normalize_gadget_type, check_format, ensemble_vote, report_record)


@dataclass(frozen=True)
class Result:
    """What a run gives back; `metrics` and `effects` are empty when it stopped before `report`."""

    folder: Path
    metrics: dict
    effects: dict[str, float]


def run(config: Config, until: str = "report") -> Result:
    """The whole lab (or its stages up to `until`) with these settings, in a run folder.

    Raises:
        LabError: unknown stage, a model or a file that is missing, or `skip_training` without checkpoints,
            with the command that helps.
    """
    if until not in STAGES:
        raise LabError(f"a stage: {', '.join(STAGES)}", repr(until), "--stage")
    text = excerpt.read(config.excerpt_file)  # before the work, if it can't be read
    folder = RunFolder.open("lab1", config)
    settings = shrunk(config) if config.shrink else config
    if config.skip_training:
        require_checkpoints(folder, settings)
    device = set_up_device(config.force_cpu)
    steps = {
        "data": lambda: prepare_data(folder, settings),
        "train": lambda: train(folder, settings, device),
        "predict": lambda: predict(folder, settings, device),
        "compare": lambda: compare(folder, settings),
        "judge": lambda: judge(folder, settings, device),
        "report": lambda: write_report(folder, settings),
    }
    for name in STAGES[: STAGES.index(until) + 1]:
        if name != "judge" or config.use_judge:
            print(f"[{name}]")
            steps[name]()
    if text is not None and STAGES.index(until) >= STAGES.index("train"):
        write_json(folder.file("excerpt.json"), excerpt.answer(folder, settings, device, text))
    metrics = json.loads(folder.file("metrics.json").read_text("utf-8")) if until == "report" else {}
    return Result(folder.path, metrics, effects(metrics) if metrics else {})


# ---- data ----


def prepare_data(folder: RunFolder, config: Config) -> None:
    """The published split of the training rows, and the validation rows, whose frames are unseen."""
    with folder.stage("data") as stage:
        paths = {name: stage.file(f"data/{name}.jsonl") for name in ("train", *SETS)}
        if stage.done:
            return
        rows = all_examples(config)
        training = [row for row in rows if row.get("split", "train") == "train"]
        unseen = [row for row in rows if row.get("split") == "validation"][: config.validation_items]
        if len(training) < 2:
            where = config.data_file or DATA_FILE
            raise LabError("two rows to train on and hold out, or more", f"{len(training)}", where)
        train, held_out = split_examples(
            training, config.total_examples_to_use, config.eval_split, config.seed
        )
        # A file of one's own may have no split: then the held-out rows are all there is to measure on.
        for name, chosen in zip(paths, (train, unseen or held_out, held_out), strict=True):
            write_jsonl(paths[name], chosen)


def all_examples(config: Config) -> list[dict]:
    """Every row of the data file. Raises LabError: no such file, or a row without a field or a gold label.

    That the word is there is all that is asked here: reading the label is TODO 1.4.
    """
    path = config.data_file or data_path("lab1_ensemble", DATA_FILE)
    rows = read_jsonl(path, RECORD)
    for number, row in enumerate(rows, start=1):
        if "gadget_type" not in row["output"].lower():
            raise LabError(
                "output: 'gadget_type: …; …'", repr(row["output"][:60]), f"{path}, record {number}"
            )
    return rows


# ---- train ----


def train(folder: RunFolder, config: Config, device) -> None:
    """One fine-tuned model an entry of `config.models`; with `skip_training`, those that are there."""
    for name, entry in config.models.items():
        uses = (build_prompts, encode_seq2seq if entry.type == "seq2seq" else encode_causal)
        with folder.stage(f"train_{name}", uses=uses) as stage:
            stage.file(f"checkpoints/{name}/{FINAL}")
            losses = stage.file(f"checkpoints/{name}/training.json")
            if stage.done:
                continue
            if config.skip_training:
                print(f"  {name}: as it was trained before")
                if not losses.is_file():
                    write_json(losses, {"training_loss": None, "history": [], "rows": None})
                continue
            print(f"  {name}: {entry.name}, {entry.type}")
            rows = read_jsonl(folder.file("data/train.jsonl"), RECORD)
            target = folder.file(f"checkpoints/{name}")
            write_json(losses, train_model(config, name, device, rows, target, stage.key))
        gc.collect()


def require_checkpoints(folder: RunFolder, config: Config) -> None:
    """Raises LabError: a model has no `final_model`, so there is no training to skip."""
    for name in config.models:
        path = folder.file(f"checkpoints/{name}/{FINAL}")
        if not (path / "config.json").is_file():
            # Spelled out it could differ in a setting, and the folder would refuse it.
            command = "the same command without --skip_training (--stage train does no more than training)"
            raise LabError(f"the trained {name}, since --skip_training was asked for", "none", path, command)


# ---- predict and compare ----


def predict(folder: RunFolder, config: Config, device) -> None:
    """A greedy answer of every trained model to every example, and of the untuned members to some."""
    for name, entry in config.models.items():
        loaded = None
        for part in SETS:
            with folder.stage(f"predict_{name}_{part}", uses=(build_prompts,)) as stage:
                path = stage.file(f"predictions/{name}_{part}.jsonl")
                if not stage.done:
                    loaded = loaded or load_trained(entry, folder.file(f"checkpoints/{name}/{FINAL}"), device)
                    rows = read_jsonl(folder.file(f"data/{part}.jsonl"), RECORD)
                    write_jsonl(path, answers(config, entry.type, loaded, rows))
        if name in config.members:
            with folder.stage(f"predict_untuned_{name}", uses=(build_prompts,)) as stage:
                path = stage.file(f"predictions/{name}_untuned.jsonl")
                if not stage.done:
                    rows = read_jsonl(folder.file("data/validation.jsonl"), RECORD, config.untuned_items)
                    loaded = load_entry(entry, device, config, config.seed)
                    write_jsonl(path, answers(config, entry.type, loaded, rows))
        del loaded
        gc.collect()


def answers(config: Config, kind: str, loaded: tuple, rows: Sequence[dict]) -> list[dict]:
    """`{"text", "probability"}` a row."""
    model, tokenizer = loaded
    found = generate(
        model,
        tokenizer,
        [build_prompts(row["instruction"], row["input"])[kind] for row in rows],
        kind=kind,
        max_new_tokens=config.max_target_length,
        batch_size=config.eval_batch_size,
        max_input_length=config.max_input_length,
    )
    return [{"text": text, "probability": probability} for text, probability in found]


def compare(folder: RunFolder, config: Config) -> None:
    """What the models said, side by side; `ensemble_report.json` for both sets."""
    for part in (*SETS, "untuned"):
        names = config.members if part == "untuned" else tuple(config.models)
        with folder.stage(f"compare_{part}", uses=READING) as stage:
            path = stage.file(f"results/compared_{part}.jsonl")
            published = [] if part == "untuned" else [stage.file(report_name(part))]
            if stage.done:
                continue
            rows = compared_rows(folder, config, part, names)
            write_jsonl(path, rows)
            for target in published:
                write_json(target, analysis.report_of(rows, config.members))


def compared_rows(folder: RunFolder, config: Config, part: str, names: Sequence[str]) -> list[dict]:
    said = {name: read_jsonl(folder.file(f"predictions/{name}_{part}.jsonl")) for name in names}
    source = "validation" if part == "untuned" else part
    examples = read_jsonl(folder.file(f"data/{source}.jsonl"), RECORD, len(said[names[0]]))
    type_of = label_types(config)
    return [
        analysis.compare(
            example,
            number,
            {name: (said[name][number]["text"], said[name][number]["probability"]) for name in names},
            config.members,
            type_of,
        )
        for number, example in enumerate(examples)
    ]


def label_types(config: Config) -> dict[str, str]:
    """The type of every label, by normalised label: of the data file, and of the course's table of names."""
    named = []
    if config.data_file is None:
        named = read_jsonl(data_path("lab1_ensemble", LABELS_FILE), {"label": str, "type": str})
    table = {normalize_gadget_type(row["label"]): row["type"] for row in named}
    return {**table, **analysis.types_of_labels(all_examples(config))}


def report_name(part: str, judged: bool = False) -> str:
    """Where a published report lies: the large validation set's at the top, the published 10 % apart."""
    name = "ensemble_report_with_llm_judge.json" if judged else "ensemble_report.json"
    return name if part == "validation" else f"published_split/{name}"


# ---- judge ----


def judge(folder: RunFolder, config: Config, device) -> None:
    """All pairs of predicted labels and all gold pairs, in both orders; the report with the judgments."""
    uses = (*READING, parse_verdict, combine_verdicts)
    with folder.stage("judge", uses=uses) as stage:
        judged_file = stage.file("results/judged_relations.jsonl")
        scores = stage.file("results/judge.json")
        reports = {part: stage.file(report_name(part, judged=True)) for part in SETS}
        if stage.done:
            return
        loaded = load_judge(config, device)
        relations = gold_relations(config)
        judged = judge_pairs(loaded, [(row["a"], row["b"]) for row in relations])
        pairs = [{**row, **pair} for row, pair in zip(relations, judged, strict=True)]
        found: dict = {"judge": config.judge}
        if relations:
            found["relations"] = scoring.score_judge(judged, relations, config)
        for part, target in reports.items():
            rows = read_jsonl(folder.file(f"results/compared_{part}.jsonl"))
            told = judgments(loaded, rows, config.members)
            write_json(target, analysis.report_of(rows, config.members, told))
            found[part] = gained(rows, told, config)
        write_jsonl(judged_file, pairs)
        write_json(scores, finite(found))


def judgments(loaded, rows: Sequence[dict], members: Sequence[str]) -> list[dict]:
    """Per row: the judgment of all its pairs of members, each asked in both orders."""
    couples = [(a, b) for i, a in enumerate(members) for b in members[i + 1 :]]
    asked = [(row["models"][a]["label"], row["models"][b]["label"]) for row in rows for a, b in couples]
    judged = judge_pairs(loaded, asked)
    return [judgment(judged[i : i + len(couples)]) for i in range(0, len(judged), len(couples))]


def gained(rows: Sequence[dict], told: Sequence[dict], config: Config) -> dict:
    """What the judge changes on these rows; the interval of the gain resamples their frames."""
    right = [all(row["models"][name]["correct"] for name in config.members) for row in rows]
    semantic = [said["semantic_agreement"] for said in told]
    string = analysis.agreeing(rows, config.members)
    frames = [row["frame"] for row in rows]
    return scoring.gain(string, semantic, right, frames, config)


def gold_relations(config: Config) -> list[dict]:
    """The gold table, at most `judge_pairs` rows of each split."""
    path = config.relations_file or data_path("lab1_ensemble", RELATIONS_FILE)
    table = read_jsonl(path, {"a": str, "b": str, "relation": str, "split": str})
    for number, row in enumerate(table, start=1):
        if row["relation"] not in VERDICT_OF:
            known = ", ".join(VERDICT_OF)
            raise LabError(f"relation: one of {known}", repr(row["relation"]), f"{path}, record {number}")
    splits = {row["split"]: [] for row in table}
    for row in table:
        splits[row["split"]].append(row)
    return [row for rows in splits.values() for row in rows[: config.judge_pairs]]


# ---- report ----


def write_report(folder: RunFolder, config: Config) -> None:
    """metrics.json and the plots."""
    uses = (cohen_kappa, error_correlation, fleiss_kappa, gwet_ac1, independent_agreement, risk_coverage)
    with folder.stage("report", uses=uses) as stage:
        path = stage.file("metrics.json")
        if not stage.done:
            metrics = report.metrics(folder, config)
            figures.plots(metrics, folder)
            write_json(path, metrics)
    print(report.table(json.loads(path.read_text("utf-8"))))
    print(f"results: {folder.path}")


# ---- command line ----


def main(argv: Sequence[str] | None = None) -> Result:
    """`--config FILE | --profile NAME`, `--stage NAME`, the published flags, `--field value`."""
    words = list(sys.argv[1:] if argv is None else argv)
    until = take(words, "--stage") or "report"
    return run(parse(Config, words, presets=Path(__file__).parent / "configs"), until)


if __name__ == "__main__":
    from labkit.cli import guarded

    guarded(main, "python -m starter.lab1_ensemble.run")
