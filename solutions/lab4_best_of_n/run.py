"""Lab 4, wired together: tune, test, sample, score, choose, and see where choosing fails.

    labs run lab4 --profile nano --seed 1 [--field value ...]
    python -m starter.lab4_best_of_n.run --config configs/nano.yaml --seed 1 --stage sample

Stages, in order; `--stage NAME` stops after one of them. A killed run goes on from the last finished stage
(sampling: from the last finished shard) and gives the same numbers.
    data      data/*.jsonl                                train     checkpoints/lr_*/checkpoint-*, sweep.json
    eval      predictions/<model>_<test>.jsonl            sample    results/sampling/<model>_scored.jsonl
    evaluate  results/sampling/eval_<model>/summary.csv   analyze   results/failure_modes_<model>.txt, plots
    overoptimise  results/overoptimisation.json           report    metrics.json, plots/*.png
<model> is `base` (untuned) or `tuned`. No quantity of a TODO is computed here: it all comes from data.py,
method.py and evaluate.py. Left out: what the numbers mean (report.py), Modal.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import importlib.util
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.config import parse, take
from labkit.data import (
    data_path,
    load_gsm8k,
    load_gsm_symbolic,
    read_jsonl,
    write_json,
    write_jsonl,
    write_text,
)
from labkit.device import pick_device
from labkit.errors import LabError
from labkit.models import load_causal_lm, load_reward_model, load_tokenizer
from labkit.runs import RunFolder

from . import analysis, figures, report
from .config import Config, shrunk
from .data import TRAIN_FILE, encode_function, load_and_prepare_train_dataset, split_public_sets
from .evaluate import (
    check_bon_failure,
    check_majority_failure,
    expected_vote_accuracy,
    get_unique_preds_count,
    maj_at_k,
    overoptimisation_curve,
    pass_at_k,
)
from .method import (
    best_of_n,
    build_trainer,
    canonical_answer,
    generate_samples_batched,
    majority_vote,
    score_samples_batched,
    weighted_vote,
)
from .report import EFFECT_TARGETS, effects
from .training import latest_checkpoint, train_once

__all__ = ["MODELS", "RECORDED", "STAGES", "EFFECT_TARGETS", "Result", "effects", "main", "run"]

STAGES = ("data", "train", "eval", "sample", "evaluate", "analyze", "overoptimise", "report")
MODELS = ("base", "tuned")
RECORDED = ("curves", "overoptimisation")  # metrics that `make effects` keeps in expected.json, over seeds
RECORD = {"question": str, "answer": str}


@dataclass(frozen=True)
class Result:
    """What a run gives back; `metrics` and `effects` are empty when it stopped before `report`."""

    folder: Path
    metrics: dict
    effects: dict[str, float]


def run(config: Config, until: str = "report") -> Result:
    """The whole lab (or its stages up to `until`) with these settings, in a run folder.

    Raises:
        LabError: unknown stage, or a model, a file or a package that is missing, with the command that helps.
    """
    if until not in STAGES:
        raise LabError(f"a stage: {', '.join(STAGES)}", repr(until), "--stage")
    require_tracker(config.tracker)
    folder = RunFolder.open("lab4", config)
    settings = shrunk(config) if config.shrink else config
    device = pick_device(config.force_cpu)
    steps = {
        "data": lambda: prepare_data(folder, settings),
        "train": lambda: train(folder, settings, device),
        "eval": lambda: evaluate_models(folder, settings, device),
        "sample": lambda: sample(folder, settings, device),
        "evaluate": lambda: evaluate_choices(folder, settings),
        "analyze": lambda: analyze(folder, settings),
        "overoptimise": lambda: overoptimise(folder, settings),
        "report": lambda: write_report(folder, settings),
    }
    for name in STAGES[: STAGES.index(until) + 1]:
        print(f"[{name}]")
        steps[name]()
    metrics = json.loads(folder.file("metrics.json").read_text("utf-8")) if until == "report" else {}
    return Result(folder.path, metrics, effects(metrics) if metrics else {})


# ---- data ----


def prepare_data(folder: RunFolder, config: Config) -> None:
    """Copies of the training and test files, with the instruction added to every question."""
    names = [TRAIN_FILE, *config.test_sets.values()]
    with folder.stage("data", uses=(split_public_sets,)) as stage:
        paths = {name: stage.file(f"data/{name}") for name in names}
        if stage.done:
            return
        public = None
        if config.source == "hub" and not config.shrink:
            public = split_public_sets(
                load_gsm_symbolic(config.gsm_symbolic), load_gsm8k("test", config.gsm8k)
            )
        for name, path in paths.items():
            rows = public[name] if public else read_jsonl(data_path("lab4_best_of_n", name), RECORD)
            end = f"\n{config.instruction}" if config.instruction else ""
            write_jsonl(path, [{**row, "question": row["question"] + end} for row in rows])


def load_problems(folder: RunFolder, config: Config, test_set: str, limit: int | None) -> list[dict]:
    """Rows `{question, gold, template}` of a test set. Raises LabError: an answer that can't be read."""
    problems = []
    for number, row in enumerate(read_jsonl(folder.file(f"data/{config.test_sets[test_set]}"), RECORD), 1):
        gold = canonical_answer(row["answer"])
        if gold is None:
            raise LabError("a gold answer '#### N'", row["answer"][-40:], f"{test_set}, row {number}")
        template = row.get("template", row["question"])
        problems.append({"question": row["question"], "gold": gold, "template": template})
    return problems[:limit]


# ---- train ----


def train(folder: RunFolder, config: Config, device) -> None:
    """The sweep over learning rates; `sweep.json` names the checkpoint with the lowest validation loss."""
    uses = (encode_function, load_and_prepare_train_dataset, build_trainer)
    losses = {}
    for rate in config.learning_rates:
        name = f"lr_{rate:g}"
        with folder.stage(f"train_{name}", uses=uses) as stage:
            target, losses_file = stage.file(f"checkpoints/{name}"), stage.file(f"checkpoints/{name}.json")
            if not stage.done:
                write_json(
                    losses_file, train_once(config, device, rate, folder.file(f"data/{TRAIN_FILE}"), target)
                )
        losses[name] = json.loads(losses_file.read_text("utf-8"))["validation_loss"]
    with folder.stage("sweep") as stage:
        path = stage.file("sweep.json")
        if not stage.done:
            best = min(losses, key=losses.get)
            chosen = latest_checkpoint(folder.file(f"checkpoints/{best}"))
            write_json(
                path,
                {"validation_loss": losses, "chosen": chosen.relative_to(folder.path).as_posix()},
            )


def generator_loader(folder: RunFolder, config: Config, model: str, device):
    """A function that loads (generator, tokenizer) of `base` or `tuned`, once, when it is first called."""

    @functools.cache
    def load():
        if model == "base":
            options = {"shrink": config.shrink}
            generator = load_causal_lm(config.generator, device=device, seed=config.seed, **options)
            return generator, load_tokenizer(config.generator, **options)
        chosen = folder.file(json.loads(folder.file("sweep.json").read_text("utf-8"))["chosen"])
        return load_causal_lm(chosen, device=device), load_tokenizer(chosen)

    return load


# ---- eval: one greedy answer each ----


def evaluate_models(folder: RunFolder, config: Config, device) -> None:
    """One greedy answer of both models to every test item: predictions as JSONL."""
    uses = (generate_samples_batched, canonical_answer)
    for model in MODELS:
        load = generator_loader(folder, config, model, device)
        for name in config.test_sets:
            with folder.stage(f"eval_{model}_{name}", uses=uses) as stage:
                path = stage.file(f"predictions/{model}_{name}.jsonl")
                if not stage.done:
                    problems = load_problems(folder, config, name, config.eval_items)
                    texts = greedy_answers(problems, config, *load())
                    write_jsonl(path, [predicted(*pair) for pair in zip(problems, texts, strict=True)])
        release(load)


def greedy_answers(problems: list[dict], config: Config, model, tokenizer) -> list[str]:
    """The most likely answer to each problem; short questions share batches (less padding)."""
    order = sorted(range(len(problems)), key=lambda i: (len(problems[i]["question"]), i))
    texts = generate_samples_batched(
        model,
        tokenizer,
        [problems[i]["question"] for i in order],
        n=1,
        max_new_tokens=config.max_new_tokens,
        temperature=0.0,
        batch_size=config.eval_batch_size,
        seed=config.seed,
    )
    by_place = dict(zip(order, texts, strict=True))
    return [by_place[i][0] for i in range(len(problems))]


def predicted(problem: dict, text: str) -> dict:
    """A prediction with its verdict; an answer that can't be read is None and never right."""
    answer = canonical_answer(text)
    right = answer is not None and answer == problem["gold"]
    return {**problem, "text": text, "answer": answer, "correct": right}


# ---- sample: many answers each, with rewards ----


def sample(folder: RunFolder, config: Config, device) -> None:
    """Samples and rewards for both models, shard by shard, then one scored file a model."""
    problems = load_problems(folder, config, config.sample_set, config.sample_items)
    order = sorted(range(len(problems)), key=lambda i: (len(problems[i]["question"]), i))
    shards = [order[i : i + config.shard_items] for i in range(0, len(order), config.shard_items)]
    for model in MODELS:
        load = generator_loader(folder, config, model, device)
        judge = functools.cache(
            lambda: (
                load_reward_model(config.reward_model, device=device, shrink=config.shrink, seed=config.seed),
                load_tokenizer(config.reward_model, shrink=config.shrink),
            )
        )
        records: dict[int, dict] = {}
        for number, shard in enumerate(shards):
            name = f"sample_{model}_{number:03d}"
            uses = (generate_samples_batched, score_samples_batched, canonical_answer)
            with folder.stage(name, uses=uses) as stage:
                path = stage.file(f"results/sampling/shards/{model}_{number:03d}.jsonl")
                if not stage.done:
                    print(f"  {model}: shard {number + 1} of {len(shards)}")
                    rows = [problems[i] for i in shard]
                    write_jsonl(path, sample_shard(config, model, number, rows, load, judge))
            records.update(zip(shard, read_jsonl(path), strict=True))
        release(load, judge)
        with folder.stage(f"sample_{model}") as stage:
            path = stage.file(f"results/sampling/{model}_scored.jsonl")
            if not stage.done:
                write_jsonl(path, [records[i] for i in range(len(problems))])


def sample_shard(config: Config, model: str, number: int, problems: list[dict], load, judge) -> list[dict]:
    """Scored records of one shard, from a seed of its own, so that shards can be made in any session."""
    questions = [row["question"] for row in problems]
    texts = generate_samples_batched(
        *load(),
        questions,
        n=config.samples_base if model == "base" else config.samples_tuned,
        max_new_tokens=config.max_new_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        batch_size=config.sample_batch_size,
        seed=derived_seed(config.seed, model, number),
    )
    rewards = score_samples_batched(*judge(), questions, texts, batch_size=config.reward_batch_size)
    return [
        {**problem, "samples": [scored(*pair) for pair in zip(group, scores, strict=True)]}
        for problem, group, scores in zip(problems, texts, rewards, strict=True)
    ]


def scored(text: str, reward: float) -> dict:
    return {"text": text, "answer": canonical_answer(text), "reward": reward}


def derived_seed(*parts: object) -> int:
    """A seed in [0, 2^31) from a run's seed and a place in it; the same on every machine."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big") >> 1


def release(*loaders) -> None:
    """Forgets the models that these loaders hold: only one generator is in memory at a time."""
    for loader in loaders:
        loader.cache_clear()
    gc.collect()


# ---- evaluate, analyze, overoptimise, report: from the scored files ----


def scored_records(folder: RunFolder, model: str) -> list[dict]:
    """The records `{question, gold, template, samples}` of a model."""
    return read_jsonl(folder.file(f"results/sampling/{model}_scored.jsonl"), {"gold": str, "samples": list})


def evaluate_choices(folder: RunFolder, config: Config) -> None:
    """The published table over the first n samples, and the unbiased curves over all subsets."""
    published = (majority_vote, best_of_n, weighted_vote)
    unbiased = (pass_at_k, maj_at_k, expected_vote_accuracy, overoptimisation_curve)
    for model in MODELS:
        with folder.stage(f"evaluate_{model}", uses=published + unbiased) as stage:
            summary = stage.file(f"results/sampling/eval_{model}/summary.csv")
            choices = stage.file(f"results/sampling/eval_{model}/choices.jsonl")
            curves = stage.file(f"results/sampling/eval_{model}/curves.jsonl")
            if stage.done:
                continue
            records = scored_records(folder, model)
            rows = [analysis.evaluate_example(record, config.ns, config) for record in records]
            write_text(summary, analysis.summary_csv(rows, config.ns))
            write_jsonl(choices, rows)
            drawn = min(len(record["samples"]) for record in records)
            ks = [k for k in config.curve_ns if k <= drawn]
            write_jsonl(curves, [analysis.item_curves(record, ks, config) for record in records])


def analyze(folder: RunFolder, config: Config) -> None:
    """Where the vote or best-of-n lost a right answer that was there."""
    uses = (check_majority_failure, check_bon_failure, get_unique_preds_count, majority_vote)
    for model in MODELS:
        with folder.stage(f"analyze_{model}", uses=uses) as stage:
            text = stage.file(f"results/failure_modes_{model}.txt")
            plot = stage.file(f"plots/unique_answers_dist_{model}.png")
            counts = stage.file(f"results/failure_counts_{model}.json")
            if not stage.done:
                failures = [
                    analysis.failures_of(record, max(config.ns)) for record in scored_records(folder, model)
                ]
                write_text(text, analysis.failure_text(failures, model))
                write_json(counts, analysis.failure_counts(failures))
                figures.plot_unique_answers(failures, model, plot)


def overoptimise(folder: RunFolder, config: Config) -> None:
    """Best-of-n and the vote on the tuned model's samples, with planted hacked samples and as they are."""
    uses = (overoptimisation_curve, maj_at_k, expected_vote_accuracy)
    with folder.stage("overoptimise", uses=uses) as stage:
        path = stage.file("results/overoptimisation.json")
        if not stage.done:
            write_json(path, analysis.overoptimisation(scored_records(folder, "tuned"), config))


def write_report(folder: RunFolder, config: Config) -> None:
    """metrics.json and the plots."""
    with folder.stage("report") as stage:
        path = stage.file("metrics.json")
        if not stage.done:
            metrics = report.metrics(folder, config, MODELS)
            figures.plots(metrics, folder)
            write_json(path, metrics)
    print(report.table(json.loads(path.read_text("utf-8"))))
    print(f"results: {folder.path}")


# ---- command line ----


def require_tracker(tracker: str) -> None:
    """Raises LabError: the tracker's package isn't installed."""
    if tracker != "none" and importlib.util.find_spec(tracker) is None:
        raise LabError(f"the package {tracker}", "not installed", "--tracker", f"pip install {tracker}")


def main(argv: Sequence[str] | None = None) -> Result | None:
    """`--config FILE | --profile NAME`, `--stage NAME`, `--student_results`, `--field value`."""
    words = list(sys.argv[1:] if argv is None else argv)
    until = take(words, "--stage") or "report"
    wants_student_results = "--student_results" in words
    words = [word for word in words if word != "--student_results"]
    config = parse(Config, words, presets=Path(__file__).parent / "configs")
    if wants_student_results:
        from .student_results import write_student_results

        for path in write_student_results(config, Path.cwd()):
            print(f"wrote {path}")
        return None
    return run(config, until)


if __name__ == "__main__":
    from labkit.cli import guarded

    guarded(main, "python -m starter.lab4_best_of_n.run")
