"""Lab 5 report: what a run found, each number with its n, an interval by entity, and its control.

    found = metrics(folder, config)            # everything, as in metrics.json
    effects(found)                             # {"val_auroc_frozen": 0.86, ...}, averaged over seeds

A question counts as one that the model can answer if it is right in at least half of the trials, so unless
its ability is "cannot". Intervals resample entities: questions about one thing are known or unknown together.
The statistics are the student's (5.5, 5.10 to 5.16); intervals: labkit.stats. Left out: plots
(figures.py) and tables (tables.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from labkit.data import read_jsonl
from labkit.stats import clustered_bootstrap, clustered_statistic, paired_bootstrap

from .collect import JUDGED
from .config import Config
from .controls import majority_share, question_only
from .data import normalize_answer
from .evaluate import (
    ability_confusion,
    auroc,
    brier_decomposition,
    calibration,
    frozen_and_refreshed,
    judgment_skill,
    selective_accuracy,
)
from .judging import files_of
from .method import soft_target
from .phases import JUDGES, SPLITS, questions_file, responses_file, taught_entities, tested_file

# What must hold on nano, as a mean over the recorded seeds; pp: percentage points.
EFFECT_TARGETS = {
    "val_auroc_untrained": "<= 0.65",
    "val_auroc_frozen": ">= 0.80",
    "val_auroc_refreshed": ">= 0.80",
    "val_skill_frozen_pp": ">= 10",
    "val_skill_refreshed_pp": ">= 10",
    "auroc_above_question_only": "> 0",
    "published_skill_pp": "<= 0",
    "published_flip_pp": ">= 50",
    "taught_gain_pp": ">= 15",
    "untaught_change_pp": "<= 5",
    "stale_on_learned_pp": ">= 15",
    "stale_elsewhere_pp": "<= 10",
    "repaired_pp": ">= 10",
}
# An edit of one of these makes the report anew.
USES = (
    ability_confusion,
    auroc,
    brier_decomposition,
    calibration,
    frozen_and_refreshed,
    judgment_skill,
    normalize_answer,
    selective_accuracy,
    soft_target,
)
COVERAGE = 0.8  # of the selective accuracy that is reported as one number


def metrics(folder, config: Config) -> dict:
    """Everything a run found, from its files."""
    found: dict = {"profile": config.profile, "seed": config.seed, "model": config.model}
    found |= {"dataset": config.dataset, "trials": config.num_trials, "judgment": {}, "phases": {}}
    if config.pipeline != "multiphase":
        found["judgment"] = {name: arm(folder, config, name) for name in config.selections}
        found["controls"] = controls(folder, config)
    if config.pipeline != "judgment":
        found["phases"] = phases(folder, config)
    found["effects"] = all_effects(found)
    return clean(found)


# ---- one test of a judge ----


def able(row: dict) -> bool:
    """Right in at least half of the trials."""
    return row["ability"] != "cannot"


def scored(rows: Sequence[dict], frozen: Sequence[bool] | None, config: Config) -> dict:
    """One tested file: the published numbers, and what they are worth.

    frozen: the labels of epoch 0, for the numbers that end in `_frozen`; None where there are none.
    """
    labels, says = [able(row) for row in rows], [row["judgment"] != "no" for row in rows]
    sure, groups = [row["confidence"] for row in rows], [row["entity"] for row in rows]
    share = [sum(row["correct"]) / len(row["correct"]) for row in rows]
    kept = selective_accuracy(sure, labels)
    found = {
        "n": len(rows),
        "entities": len(set(groups)),
        "qa": sum(share) / len(share),
        "judgment": sum(row["judgment"] == row["target"] for row in rows) / len(rows),
        "yes_rate": sum(says) / len(says),
        "auroc": auroc(sure, labels),
        "auroc_95": ends(ranked(sure, labels, groups, config)),
        "skill": judgment_skill(says, labels),
        "skill_95": ends(above_constant(says, labels, groups, config)),
        "ece": calibration(sure, labels, config.bins)["ece"],
        "reliability": calibration(sure, labels, config.bins)["bins"],
        "brier": brier_decomposition(sure, labels, config.bins),
        "selective_80": kept[math.ceil(COVERAGE * len(kept)) - 1],
        "aurc": sum(1 - accuracy for accuracy in kept) / len(kept),
    }
    if frozen is not None:
        found["auroc_frozen"] = auroc(sure, frozen)
        found["auroc_frozen_95"] = ends(ranked(sure, frozen, groups, config))
        found["skill_frozen"] = judgment_skill(says, frozen)
    return found


def ranked(sure: Sequence[float], labels: Sequence[bool], groups: Sequence[str], config: Config):
    """The student's AUROC with an interval by entity."""
    return clustered_statistic(
        lambda chosen: auroc([sure[i] for i in chosen], [labels[i] for i in chosen]),
        groups,
        resamples=min(config.bootstrap_resamples, 300),  # each of them sorts all items
        seed=config.seed,
    )


def above_constant(says: Sequence[bool], labels: Sequence[bool], groups: Sequence[str], config: Config):
    """Skill with an interval by entity: the judge against the better constant, paired."""
    constant = 2 * sum(labels) >= len(labels)
    first = [a == b for a, b in zip(says, labels, strict=True)]
    return paired_bootstrap(first, [label == constant for label in labels], groups, **settings(config))


def settings(config: Config) -> dict:
    return {"resamples": config.bootstrap_resamples, "seed": config.seed}


def ends(estimate) -> list[float]:
    return [estimate.low, estimate.high]


# ---- pipeline (a) ----


def arm(folder, config: Config, selection: str) -> dict:
    """One selection, epoch by epoch, and its judge against both kinds of labels."""
    read: dict[str, list[list[dict]]] = {
        split: [
            read_jsonl(folder.file(files_of(config, selection, split, epoch)[1]))
            for epoch in range(config.epochs + 1)
        ]
        for split in ("train", "val")
    }
    frozen = {split: [able(row) for row in tests[0]] for split, tests in read.items()}
    rows = [
        {
            "epoch": epoch,
            **{split: scored(tests[epoch], frozen[split], config) for split, tests in read.items()},
        }
        for epoch in range(config.epochs + 1)
    ]
    says = [[row["judgment"] != "no" for row in test] for test in read["val"]]
    labels = [[able(row) for row in test] for test in read["val"]]
    last = read["val"][-1]
    return {
        "epochs": rows,
        "frozen_and_refreshed": frozen_and_refreshed(says, labels),
        "selective": curve(selective_accuracy([r["confidence"] for r in last], [able(r) for r in last])),
        "selective_untrained": curve(
            selective_accuracy([r["confidence"] for r in read["val"][0]], labels[0])
        ),
    }


def curve(accuracies: Sequence[float], points: int = 20) -> list[float]:
    """Expected accuracy at coverage 5 %, 10 %, … 100 %."""
    return [accuracies[math.ceil(k * len(accuracies) / points) - 1] for k in range(1, points + 1)]


def controls(folder, config: Config) -> dict:
    """What can be had without a look inside: the question's wording, and agreement among the trials."""
    first = config.selections[0]
    rows = {
        split: read_jsonl(folder.file(files_of(config, first, split, 0)[1])) for split in ("train", "val")
    }
    labels = {split: [able(row) for row in tests] for split, tests in rows.items()}
    words = {split: [row["question"] for row in tests] for split, tests in rows.items()}
    wording = question_only(words["train"], labels["train"], words["val"])
    replies = read_jsonl(folder.file(files_of(config, first, "val", 0)[0]))
    agreement = [majority_share([normalize_answer(reply) for reply in row["replies"]]) for row in replies]
    groups = [row["entity"] for row in rows["val"]]
    found = {}
    for name, sure in (("question_only", wording), ("agreement", agreement)):
        estimate = ranked(sure, labels["val"], groups, config)
        found[name] = {"auroc": estimate.value, "auroc_95": ends(estimate), "n": len(sure)}
    return found


# ---- pipeline (b) ----


def phases(folder, config: Config) -> dict:
    """The three phases: each judge on both splits, what was learned, and where self-knowledge went stale."""
    read = {
        judge: {split: read_jsonl(folder.file(tested_file(config, judge, split))) for split in SPLITS}
        for judge in JUDGES
        if folder.file(tested_file(config, judge, SPLITS[-1])).is_file()
    }
    found: dict = {"judges": {}}
    for judge, tests in read.items():
        found["judges"][judge] = {split: judged(rows, config) for split, rows in tests.items()}
    if "v1_after_knowledge" in read:
        items = compared_items(folder, config, read)
        found["knowledge"] = knowledge(items, config)
        found["stale"] = {name: stale(items, name, config) for name in GROUPS}
    return found


def judged(rows: Sequence[dict], config: Config) -> dict:
    """The published evaluation of a phase (exact match, 3 x 3, distributions), and ours beside it."""
    confusion = ability_confusion([JUDGED[row["judgment"]] for row in rows], [row["ability"] for row in rows])
    return {**confusion, "scores": scored(rows, None, config)}


# Which questions a group holds: (taught, known before); None: both. All groups but the last are of the
# training split.
GROUPS: dict[str, Callable[[dict], bool]] = {
    "learned": lambda item: item["taught"] and not item["known"],
    "known_and_taught": lambda item: item["taught"] and item["known"],
    "untaught": lambda item: item["split"] == "train" and not item["taught"],
    "validation": lambda item: item["split"] == "test",
}


def compared_items(folder, config: Config, read: dict) -> list[dict]:
    """One entry a question: its split, taught or not, known or not, right before and after, judges."""
    taught = taught_entities(
        read_jsonl(folder.file(questions_file("train"))), config.taught_share, config.seed
    )
    items = []
    for split in SPLITS:
        before = read_jsonl(folder.file(responses_file(config, split, False)))
        after = read_jsonl(folder.file(responses_file(config, split, True)))
        judges = {judge: read[judge][split] for judge in ("v1", "v1_after_knowledge", "v2") if judge in read}
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            items.append(
                {
                    "split": split,
                    "entity": old["entity"],
                    "taught": split == "train" and old["entity"] in taught,
                    "known": able(old),
                    "before": soft_target(old["correct"]),
                    "after": soft_target(new["correct"]),
                    "right_before": sum(old["correct"]) / len(old["correct"]),
                    "right_after": sum(new["correct"]) / len(new["correct"]),
                    "confidence": {judge: rows[number]["confidence"] for judge, rows in judges.items()},
                }
            )
    return items


def knowledge(items: Sequence[dict], config: Config) -> dict:
    """QA accuracy before and after phase 2, on taught and on untaught questions, in points."""
    found = {}
    chosen = {"taught": [i for i in items if i["taught"]], "untaught": [i for i in items if not i["taught"]]}
    for name, group in chosen.items():
        after, before = [i["right_after"] for i in group], [i["right_before"] for i in group]
        if group:
            gain = paired_bootstrap(after, before, [i["entity"] for i in group], **settings(config))
            found[name] = {"n": len(group), "before": mean(before), "after": mean(after), **in_points(gain)}
    return found


def stale(items: Sequence[dict], name: str, config: Config) -> dict:
    """How much less sure a judge is than it could be, in points, on a group of questions.

    What the model can do now (5.5) minus the judge's confidence: above 0 it is under-confident. `v1_before`
    is v1 on the base it was trained on; the others are about the base that has learned.
    """
    group = [item for item in items if GROUPS[name](item)]
    found: dict = {"n": len(group), "entities": len({item["entity"] for item in group})}
    for label, judge, can in (
        ("v1_before", "v1", "before"),
        ("v1", "v1_after_knowledge", "after"),
        ("v2", "v2", "after"),
    ):
        if group and judge in group[0]["confidence"]:
            gaps = [item[can] - item["confidence"][judge] for item in group]
            estimate = clustered_bootstrap(gaps, [item["entity"] for item in group], **settings(config))
            found[label] = in_points(estimate)
            found[label]["confidence"] = mean([item["confidence"][judge] for item in group])
    return found


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def in_points(estimate) -> dict:
    return {"pp": 100 * estimate.value, "low": 100 * estimate.low, "high": 100 * estimate.high}


# ---- effects ----


def all_effects(found: dict) -> dict[str, float]:
    """Each effect as one number; NaN where the run has no such part."""
    values = dict.fromkeys(EFFECT_TARGETS, math.nan)
    arms = found["judgment"]
    if "balanced" in arms:
        first, last = arms["balanced"]["epochs"][0]["val"], arms["balanced"]["epochs"][-1]["val"]
        values["val_auroc_untrained"] = first["auroc"]
        values["val_auroc_frozen"] = last["auroc_frozen"]
        values["val_auroc_refreshed"] = last["auroc"]
        values["val_skill_frozen_pp"] = 100 * last["skill_frozen"]["skill"]
        values["val_skill_refreshed_pp"] = 100 * last["skill"]["skill"]
        values["auroc_above_question_only"] = (
            last["auroc_frozen"] - found["controls"]["question_only"]["auroc"]
        )
    if "misjudged" in arms:
        first, second = (row["val"] for row in arms["misjudged"]["epochs"][:2])
        values["published_skill_pp"] = 100 * second["skill"]["skill"]
        values["published_flip_pp"] = 100 * abs(second["yes_rate"] - first["yes_rate"])
    told, gone = found["phases"].get("knowledge", {}), found["phases"].get("stale", {})
    if "taught" in told:
        values["taught_gain_pp"] = told["taught"]["pp"]
        values["untaught_change_pp"] = abs(told["untaught"]["pp"]) if "untaught" in told else math.nan
    if "v2" in gone.get("learned", {}):
        values["stale_on_learned_pp"] = gone["learned"]["v1"]["pp"]
        values["stale_elsewhere_pp"] = max(
            abs(gone[g]["v1"]["pp"]) for g in ("untaught", "validation") if gone[g]["n"]
        )
        values["repaired_pp"] = gone["learned"]["v1"]["pp"] - gone["learned"]["v2"]["pp"]
    return values


def effects(found: dict) -> dict[str, float]:
    """The effects of a run by the names of EFFECT_TARGETS; NaN where one isn't defined."""
    values = {name: found["effects"][name] for name in EFFECT_TARGETS}
    return {name: math.nan if value is None else value for name, value in values.items()}


def clean(value):
    """The same with None in the place of numbers that JSON has no word for (NaN, infinity)."""
    if isinstance(value, dict):
        return {name: clean(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def curves(found: dict) -> dict:
    """What the notebook draws from records: both selections, epoch by epoch, on validation."""
    picked = ("n", "qa", "judgment", "yes_rate", "auroc", "auroc_frozen", "ece")
    return {
        name: [
            {"epoch": row["epoch"], "skill": row["val"]["skill"]["skill"]}
            | {key: row["val"][key] for key in picked}
            for row in arm["epochs"]
        ]
        for name, arm in found["judgment"].items()
    }
