"""Lab 5 report: what a run found, each number with its n, an interval by entity, and its control.

    found = metrics(folder, config)            # everything, as in metrics.json
    effects(found)                             # {"val_auroc_frozen": 0.81, ...}, averaged over seeds

Judgment training stands here, the three phases in staleness.py. The statistics are the student's (5.10 to
5.16); intervals: labkit.stats. Left out: plots (figures.py) and tables (tables.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from labkit.data import finite, read_jsonl

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
from .judging import again_file, files_of
from .measures import able, by_entity, ends, mean, picked, ranking, scored
from .method import soft_target
from .staleness import phases

# What must hold on nano, as a mean over the recorded seeds; pp: percentage points.
EFFECT_TARGETS = {
    "val_auroc_untrained": "<= 0.65",
    "val_auroc_frozen": ">= 0.80",
    "val_auroc_refreshed": ">= 0.80",
    "val_skill_frozen_pp": ">= 10",
    "val_skill_refreshed_pp": ">= 10",
    "auroc_above_question_only": ">= 0.15",
    "published_skill_pp": "<= 0",
    "published_flip_pp": ">= 80",
    "taught_gain_pp": ">= 15",
    "untaught_change_pp": "<= 5",
    "stale_on_learned_pp": ">= 15",
    "stale_elsewhere_pp": "<= 10",
    "repaired_pp": ">= 10",
    "repaired_on_new_pp": ">= 10",
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


def metrics(folder, config: Config) -> dict:
    """Everything a run found, from its files."""
    found: dict = {"profile": config.profile, "seed": config.seed, "model": config.model}
    found |= {"dataset": config.dataset, "trials": config.num_trials, "judgment": {}, "phases": {}}
    found |= {"controls": {}, "chance": {}}
    if config.pipeline != "multiphase":
        found["judgment"] = {name: arm(folder, config, name) for name in config.selections}
        found |= controls(folder, config)
    if config.pipeline != "judgment":
        found["phases"] = phases(folder, config)
    found["effects"] = all_effects(found)
    found["curves"] = curves(found)
    return finite(found)


# ---- judgment training ----


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
        "selective": curve(selective_accuracy([row["confidence"] for row in last], labels[-1])),
        "selective_untrained": curve(
            selective_accuracy([row["confidence"] for row in read["val"][0]], labels[0])
        ),
    }


def curve(accuracies: Sequence[float], points: int = 20) -> list[float]:
    """Expected accuracy at coverage 5 %, 10 %, … 100 %."""
    return [accuracies[math.ceil(k * len(accuracies) / points) - 1] for k in range(1, points + 1)]


def controls(folder, config: Config) -> dict:
    """What can be had without a look inside, and what chance alone does to the labels.

    `controls`: the question's wording, and agreement among five replies, both against the labels of epoch 0;
    the replies are a second collection, so that they aren't those that made the labels. `judge_above_words`:
    the judge of the last epoch minus the wording, on the same questions. `chance`: how many labels the second
    collection moves, and how often a single reply of it disagrees with the label.
    """
    first = config.selections[0]
    rows = {
        split: read_jsonl(folder.file(files_of(config, first, split, 0)[1])) for split in ("train", "val")
    }
    labels = {split: [able(row) for row in tests] for split, tests in rows.items()}
    words = {split: [row["question"] for row in tests] for split, tests in rows.items()}
    wording = question_only(words["train"], labels["train"], words["val"])
    again = read_jsonl(folder.file(again_file(config)))
    agreement = [majority_share([normalize_answer(reply) for reply in row["replies"]]) for row in again]
    last = read_jsonl(folder.file(files_of(config, first, "val", config.epochs)[1]))
    sure, groups = [row["confidence"] for row in last], [row["entity"] for row in last]

    def above(chosen: list[int]) -> float:
        one, other, true = picked(chosen, sure, wording, labels["val"])
        return auroc(one, true) - auroc(other, true)

    found = {
        name: {"n": len(scores), **ranking(scores, labels["val"], groups, config)}
        for name, scores in (("question_only", wording), ("agreement", agreement))
    }
    difference = by_entity(above, groups, config)
    found["judge_above_words"] = {
        "n": len(groups),
        "difference": difference.value,
        "difference_95": ends(difference),
    }
    pairs = list(zip(again, labels["val"], strict=True))
    chance = {
        "n": len(pairs),
        "moved": mean([able(row) != label for row, label in pairs]),
        "one_trial": mean([row["correct"][0] != label for row, label in pairs]),
    }
    return {"controls": found, "chance": chance}


# ---- effects ----


def all_effects(found: dict) -> dict[str, float]:
    """Each effect as one number; NaN where the run has no such part."""
    values = dict.fromkeys(EFFECT_TARGETS, math.nan)
    arms = found["judgment"]
    if "balanced" in arms:
        first, last = arms["balanced"]["epochs"][0]["val"], arms["balanced"]["epochs"][-1]["val"]
        values["val_auroc_untrained"] = max(first["auroc"], 1 - first["auroc"])  # upside down tells as much
        values["val_auroc_frozen"] = last["auroc_frozen"]
        values["val_auroc_refreshed"] = last["auroc"]
        values["val_skill_frozen_pp"] = 100 * last["skill_frozen"]["skill"]
        values["val_skill_refreshed_pp"] = 100 * last["skill"]["skill"]
    if next(iter(arms), None) == "balanced":
        values["auroc_above_question_only"] = found["controls"]["judge_above_words"]["difference"]
    if "misjudged" in arms:
        rows = [row["val"] for row in arms["misjudged"]["epochs"][:2]]
        rates = [row["yes_rate"] for row in rows]
        constants = min(rates) <= 0.1 and max(rates) >= 0.9
        values["published_flip_pp"] = 100 * abs(rates[1] - rates[0]) if constants else 0.0
        values["published_skill_pp"] = 100 * max(rows[1][name]["skill"] for name in ("skill", "skill_frozen"))
    told, changed = found["phases"].get("knowledge", {}), found["phases"].get("changes", {})
    if "taught" in told:
        values["taught_gain_pp"] = told["taught"]["pp"]
        values["untaught_change_pp"] = abs(told["untaught"]["pp"]) if "untaught" in told else math.nan
    if "repaired" in changed:
        values["stale_on_learned_pp"] = changed["stale_on_learned"]["pp"]
        elsewhere = [changed[name]["pp"] for name in ("stale_untaught", "stale_validation")]
        values["stale_elsewhere_pp"] = max(map(abs, elsewhere))
        values["repaired_pp"] = changed["repaired"]["pp"]
        values["repaired_on_new_pp"] = changed["repaired_on_new"]["pp"]
    return values


def effects(found: dict) -> dict[str, float]:
    """The effects of a run by the names of EFFECT_TARGETS; NaN where one isn't defined."""
    values = {name: found["effects"][name] for name in EFFECT_TARGETS}
    return {name: math.nan if value is None else value for name, value in values.items()}


def curves(found: dict) -> dict:
    """What the notebook draws from records: both selections, epoch by epoch, on validation."""
    picks = ("n", "qa", "judgment", "yes_rate", "auroc", "auroc_95", "auroc_frozen", "auroc_frozen_95", "ece")
    picks += ("skill_95", "skill_frozen_95")
    return {
        name: [
            {"epoch": row["epoch"]}
            | {key: row["val"][key]["skill"] for key in ("skill", "skill_frozen")}
            | {key: row["val"][key] for key in picks}
            for row in arm["epochs"]
        ]
        for name, arm in found["judgment"].items()
    }
