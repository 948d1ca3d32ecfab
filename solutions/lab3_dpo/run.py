"""Lab 3, wired together: pairs, a reference, several losses, and the experiments that look at the result.

    labs run lab3 --profile nano --seed 1 [--field value ...]
    labs run lab3 --trainer trl --arms '{"dpo": {}}' --main_arm dpo             (TRL's DPOTrainer)

Stages, in order; `--stage NAME` stops after one of them. A killed run goes on from the last finished stage
and gives the same numbers (an arm that was half trained is trained anew).
    data      data/*.jsonl                            train     adapters/<arm>, logs/<arm>.jsonl
    evaluate  results/{pairs,tasks}_<arm>.jsonl       ablate    results/ablation_<arm>.jsonl
    attribute results/attribution_*.jsonl             guide     results/guided.jsonl
    report    metrics.json, plots/*.png
"start" among the arms is the model before any training; results/tasks_phase_a.jsonl and tasks_phase_b.jsonl
are Lab 2's two phases, asked without a draft. No quantity of a TODO is computed here: it all comes from
data.py, method.py and evaluate.py. Left out: what the numbers mean (report.py).
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.config import parse, take
from labkit.data import data_path, read_jsonl, write_json, write_jsonl
from labkit.device import pick_device
from labkit.errors import LabError
from labkit.runs import RunFolder

from . import figures, report
from .answers import TASK, TASKS, answered, with_entity, write
from .attribution import attributions, random_weights
from .batches import encode_pairs, logps_of_pairs
from .config import PHASES, Arm, Config, shrunk
from .data import (
    ARMS,
    PAIR,
    PAIRS,
    ablated,
    build_pairs,
    plant_flips,
    prompt_text,
    read_answer,
    shuffle_drafts,
    split_prompt,
)
from .evaluate import integrated_gradients, lift, reward_accuracy, win_rate
from .guided import TEACHING, first_answer, guided_loop, new_drafts
from .method import (
    beta_schedule,
    cal_dpo_loss,
    centred_loss,
    completion_logps,
    dpo_loss,
    dr_dpo_loss,
    drop_noisiest,
    implicit_rewards,
    reference_logps,
)
from .report import EFFECT_TARGETS, effects
from .training import Start, load_start, train, train_with_trl

__all__ = ["EFFECT_TARGETS", "RECORDED", "STAGES", "Result", "effects", "main", "run"]

STAGES = ("data", "train", "evaluate", "ablate", "attribute", "guide", "report")
# Metrics that `make effects` keeps, over seeds.
RECORDED = ("arms", "phases", "ablations", "attribution", "guided")
LOSSES = {
    "dpo": (dpo_loss,),
    "cal_dpo": (cal_dpo_loss,),
    "dr_dpo": (dpo_loss, dr_dpo_loss),
    "centred": (centred_loss,),
    "schedule": (dpo_loss, cal_dpo_loss, dr_dpo_loss),
    "drop_loss": (dpo_loss, drop_noisiest),
    "drop_random": (dpo_loss, drop_noisiest),
}
ALWAYS = (completion_logps, reference_logps, implicit_rewards, beta_schedule)


@dataclass(frozen=True)
class Result:
    """What a run gives back; `metrics` and `effects` are empty when it stopped before `report`."""

    folder: Path
    metrics: dict
    effects: dict[str, float]


def run(config: Config, until: str = "report") -> Result:
    """The whole lab (or its stages up to `until`) with these settings, in a run folder.

    Raises:
        LabError: unknown stage, a model or a file that is missing, or a wrong reference (its first loss).
    """
    if until not in STAGES:
        raise LabError(f"a stage: {', '.join(STAGES)}", repr(until), "--stage")
    folder = RunFolder.open("lab3", config)
    settings = shrunk(config) if config.shrink else config
    device = pick_device(config.force_cpu)
    steps = {
        "data": lambda: prepare_data(folder, settings),
        "train": lambda: train_arms(folder, settings, device),
        "evaluate": lambda: evaluate_arms(folder, settings, device),
        "ablate": lambda: ablate(folder, settings, device),
        "attribute": lambda: attribute(folder, settings, device),
        "guide": lambda: guide(folder, settings, device),
        "report": lambda: write_report(folder, settings),
    }
    for name in STAGES[: STAGES.index(until) + 1]:
        print(f"[{name}]")
        steps[name]()
    metrics = json.loads(folder.file("metrics.json").read_text("utf-8")) if until == "report" else {}
    return Result(folder.path, metrics, effects(metrics) if metrics else {})


# ---- data ----


def prepare_data(folder: RunFolder, config: Config) -> None:
    """The pairs of training and test, and the questions. Raises LabError: no such file, no pairs."""
    with folder.stage("data") as stage:
        paths = {name: stage.file(f"data/{name}.jsonl") for name in ("train", "test", "tasks", "teaching")}
        if stage.done:
            return
        pairs = read_jsonl(config.pairs_file or data_path("lab3_dpo", PAIRS), PAIR)
        for split, limit in (("train", config.train_pairs), ("test", config.test_pairs)):
            kinds = dict.fromkeys(pair["kind"] for pair in pairs)
            own = {kind: [p for p in pairs if p["split"] == split and p["kind"] == kind] for kind in kinds}
            chosen = [pair for rows in own.values() for pair in rows[:limit]]
            if not chosen:
                raise LabError(f"pairs of the split {split}", "none", config.pairs_file or PAIRS)
            write_jsonl(paths[split], chosen)
        tasks = read_jsonl(config.tasks_file or data_path("lab3_dpo", TASKS), TASK)
        write_jsonl(paths["tasks"], [t for t in tasks if t["split"] == "test"][: config.tasks])
        teaching = [task for task in tasks if task["split"] == "train" and task.get("final")]
        write_jsonl(paths["teaching"], teaching[: config.guided_questions])


def training_pairs(folder: RunFolder, arm: Arm, config: Config) -> list[dict]:
    """The arm's training pairs, with its planted flips."""
    pairs = read_jsonl(folder.file("data/train.jsonl"), PAIR)
    if arm.kind != "both":
        pairs = [pair for pair in pairs if pair["kind"] == arm.kind]
    if not pairs:
        raise LabError(f"training pairs of the kind {arm.kind}", "none", config.pairs_file or PAIRS)
    return plant_flips(pairs, arm.flips, config.seed) if arm.flips else pairs


# ---- train ----


def train_arms(folder: RunFolder, config: Config, device) -> None:
    """One adapter an arm, each from the same start."""
    for name, arm in config.arms.items():
        with folder.stage(f"train_{name}", uses=(*ALWAYS, *LOSSES[arm.loss])) as stage:
            target, log_file = stage.file(f"adapters/{name}"), stage.file(f"logs/{name}.jsonl")
            if stage.done:
                continue
            print(f"  {name}: {arm.loss}")
            start, pairs = load_start(config, device), training_pairs(folder, arm, config)
            if config.trainer == "trl":
                log = train_with_trl(start, pairs, arm, config, folder.file(f"trl/{name}"))
            else:
                log = train(start, pairs, arm, config, name)
            # Embeddings aren't trained; to find that out PEFT would ask the hub for the base's configuration.
            options = {"selected_adapters": [start.model.active_adapter], "save_embedding_layers": False}
            start.model.save_pretrained(target, **options)
            write_jsonl(log_file, log)
            del start
        gc.collect()


def load_arm(folder: RunFolder, config: Config, device, name: str) -> Start:
    """The start with an arm's trained weights in its adapter; "start" is the start as it is."""
    import peft
    from safetensors.torch import load_file

    start = load_start(config, device)
    if name != "start":
        saved = next(folder.file(f"adapters/{name}").rglob("adapter_model.safetensors"))
        active = start.model.active_adapter
        peft.set_peft_model_state_dict(start.model, load_file(saved), adapter_name=active)
    start.model.eval()
    return start


# ---- evaluate ----


def evaluate_arms(folder: RunFolder, config: Config, device) -> None:
    """Held-out pairs and tasks under every arm and the start; the phases before, asked as Lab 2 asks: without
    a draft."""
    tasks = read_jsonl(folder.file("data/tasks.jsonl"))
    prompts = [prompt_text(task["question"], task["draft"]) for task in tasks]
    for name in ("start", *config.arms):
        with folder.stage(f"evaluate_{name}", uses=(completion_logps, reference_logps, build_pairs)) as stage:
            pairs_file, tasks_file = (
                stage.file(f"results/{part}_{name}.jsonl") for part in ("pairs", "tasks")
            )
            if stage.done:
                continue
            arm = load_arm(folder, config, device, name)
            pairs = read_jsonl(folder.file("data/test.jsonl"))
            pairs += misled_pairs(pairs, config.seed)
            write_jsonl(pairs_file, scored_pairs(arm, pairs, config))
            texts = write(arm.model, arm.tokenizer, prompts, config)
            write_jsonl(tasks_file, with_entity(answered(tasks, texts), tasks))
            del arm
        gc.collect()
    for phase in PHASES:
        with folder.stage(f"evaluate_{phase}") as stage:
            path = stage.file(f"results/tasks_{phase}.jsonl")
            if stage.done:
                continue
            start = load_start(replace(config, start_from=phase), device)
            prompts = [prompt_text(task["question"]) for task in tasks]
            texts = write(start.model, start.tokenizer, prompts, config)
            write_jsonl(path, with_entity(answered(tasks, texts), tasks))


def misled_pairs(pairs: Sequence[dict], seed: int) -> list[dict]:
    """New held-out pairs of the wrong drafts' questions: the right text, and itself with its answer flipped.

    In a matched pair the draft is right, so to prefer its answer would be enough; here that is always wrong.
    """
    records = []
    for pair in pairs:
        if pair.get("source") == "wrong_draft":
            question, draft = split_prompt(pair["prompt"])
            answer = read_answer(pair["chosen"])
            said = {"answer": answer, "teacher_answer": answer, "draft_answer": answer}
            record = {"qid": pair["qid"], "question": question, "draft": draft, "final": pair["chosen"]}
            records.append({**record, **said})
    return [{**pair, "kind": report.MISLED} for pair in build_pairs(records, seed)]


def draft_prefers(pair: dict) -> float | None:
    """1.0 if the draft's answer is the chosen text's, 0.0 if the rejected one's, else 0.5; None: not read."""
    said = read_answer(first_answer(split_prompt(pair["prompt"])[1] or ""))
    if said is None:
        return None
    chosen, rejected = (read_answer(pair[side]) is said for side in ("chosen", "rejected"))
    return 0.5 * (1 + chosen - rejected)


def scored_pairs(arm: Start, pairs: Sequence[dict], config: Config) -> list[dict]:
    """Log-ratios of each pair in nats, with what its controls need."""
    rows = encode_pairs(pairs, arm.tokenizer, config.max_length)
    now = logps_of_pairs(arm.model, rows, arm.tokenizer, config, "self").tolist()
    ref = logps_of_pairs(arm.model, rows, arm.tokenizer, config, arm.mode).tolist()
    return [
        {
            "qid": pair["qid"],
            "kind": pair["kind"],
            "chosen_ratio": now[0][i] - ref[0][i],
            "rejected_ratio": now[1][i] - ref[1][i],
            "gap": (now[0][i] - ref[0][i]) - (now[1][i] - ref[1][i]),
            "ref_chosen": ref[0][i],
            "draft_prefers": draft_prefers(pair),
            "chosen_tokens": len(rows[i]["chosen_ids"]),
            "rejected_tokens": len(rows[i]["rejected_ids"]),
        }
        for i, pair in enumerate(pairs)
    ]


# ---- ablate ----


def ablate(folder: RunFolder, config: Config, device) -> None:
    """The main arm's answers to the full prompt, without the draft, with another's, without its answer."""
    tasks = read_jsonl(folder.file("data/tasks.jsonl"))
    pairs = [{"prompt": prompt_text(task["question"], task["draft"])} for task in tasks]
    loaded = None
    for arm in ARMS:
        uses = (shuffle_drafts,) if arm == "shuffled" else ()
        with folder.stage(f"ablate_{arm}", uses=uses) as stage:
            path = stage.file(f"results/ablation_{arm}.jsonl")
            if stage.done:
                continue
            if arm == "full":  # answered already
                write_jsonl(path, report.task_rows(folder, config.main_arm))
                continue
            loaded = loaded or load_arm(folder, config, device, config.main_arm)
            drafts = [task["draft"] for task in tasks]
            other = shuffle_drafts(drafts, config.seed) if arm == "shuffled" else None
            texts = write(loaded.model, loaded.tokenizer, ablated(pairs, arm, other), config)
            write_jsonl(path, with_entity(answered(tasks, texts), tasks))


# ---- attribute ----


def attribute(folder: RunFolder, config: Config, device) -> None:
    """What the draft is worth to the main arm, beside another's draft, the start, and random weights."""
    if not config.attributed:
        return
    pairs = [
        pair for pair in read_jsonl(folder.file("data/test.jsonl")) if "Student draft: " in pair["prompt"]
    ]
    pairs = pairs[: config.attributed]
    for name in report.ATTRIBUTED:
        with folder.stage(f"attribute_{name}", uses=(integrated_gradients, lift, shuffle_drafts)) as stage:
            path = stage.file(f"results/attribution_{name}.jsonl")
            if stage.done:
                continue
            chosen = pairs
            if name == "shuffled" and len(pairs) > 1:
                drafts = shuffle_drafts(
                    [pair["prompt"].partition("\nStudent draft: ")[2] for pair in pairs], config.seed
                )
                prompts = ablated(pairs, "shuffled", drafts)
                chosen = [{**pair, "prompt": prompt} for pair, prompt in zip(pairs, prompts, strict=True)]
            known = "start" if name in ("before", "untrained") else config.main_arm
            loaded = load_arm(folder, config, device, known)
            model = random_weights(loaded.model, config.seed) if name == "untrained" else loaded.model
            write_jsonl(path, attributions(model, loaded.tokenizer, chosen, config))


# ---- the self-guided loop ----


def guide(folder: RunFolder, config: Config, device) -> None:
    """New drafts, new pairs, on with training, from the main arm."""
    if not config.guided_rounds:
        return
    with folder.stage("guide", uses=(*ALWAYS, dpo_loss, build_pairs, win_rate)) as stage:
        path, items = stage.file("results/guided.jsonl"), stage.file("results/guided_questions.jsonl")
        if stage.done:
            return
        tasks = read_jsonl(folder.file("data/teaching.jsonl"), TEACHING)
        held_out = read_jsonl(folder.file("data/tasks.jsonl"))[: config.guided_questions]
        rounds, questions = [], []
        if tasks and held_out:
            start = load_arm(folder, config, device, "start")
            before = new_drafts(start, held_out, config, 100 * config.seed + 99)
            start = load_arm(folder, config, device, config.main_arm)
            rounds, questions = guided_loop(start, tasks, held_out, before, config)
        write_jsonl(items, questions)
        write_jsonl(path, rounds)


# ---- report ----


def write_report(folder: RunFolder, config: Config) -> None:
    """metrics.json and the plots."""
    with folder.stage("report", uses=(reward_accuracy, dpo_loss, win_rate)) as stage:
        path = stage.file("metrics.json")
        if not stage.done:
            metrics = report.metrics(folder, config)
            logs = {}
            if config.trainer == "ours":
                logs = {name: read_jsonl(folder.file(f"logs/{name}.jsonl")) for name in config.arms}
            figures.plots(metrics, logs, folder)
            write_json(path, metrics)
    print(report.table(json.loads(path.read_text("utf-8"))))
    print(f"results: {folder.path}")


# ---- command line ----


def main(argv: Sequence[str] | None = None) -> Result:
    """`--config FILE | --profile NAME`, `--stage NAME`, `--field value`."""
    words = list(sys.argv[1:] if argv is None else argv)
    until = take(words, "--stage") or "report"
    return run(parse(Config, words, presets=Path(__file__).parent / "configs"), until)


if __name__ == "__main__":
    from labkit.cli import guarded

    guarded(main, "python -m starter.lab3_dpo.run")
