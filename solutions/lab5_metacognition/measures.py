"""Lab 5 measures: one tested file in numbers, each with an interval by entity.

    scored(rows, frozen, config)        # rows of tested_epoch<N>.jsonl -> {"n": 360, "auroc": 0.81, …}

A question counts as one that the model can answer if at least half of its trials are right: that is what a
judge is trained to say. Intervals resample entities: questions about one thing are known or unknown together.
The statistics are the student's (5.5, 5.10 to 5.16); resampling: labkit.stats. Left out: what is compared
with what (report.py, staleness.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from labkit.stats import clustered_statistic

from .config import Config
from .evaluate import auroc, brier_decomposition, calibration, judgment_skill, selective_accuracy

COVERAGE = 0.8  # of the selective accuracy that is reported as one number


def able(row: dict) -> bool:
    """Right in at least half of the trials; `row` holds the trials as `correct`."""
    return 2 * sum(row["correct"]) >= len(row["correct"])


def scored(rows: Sequence[dict], frozen: Sequence[bool] | None, config: Config) -> dict:
    """One tested file: the published numbers, and what they are worth.

    frozen: the labels of epoch 0, for the numbers that end in `_frozen`; None where there are none.
    """
    labels, says = [able(row) for row in rows], [row["judgment"] != "no" for row in rows]
    sure, groups = [row["confidence"] for row in rows], [row["entity"] for row in rows]
    kept, reliability = selective_accuracy(sure, labels), calibration(sure, labels, config.bins)
    found = {
        "n": len(rows),
        "entities": len(set(groups)),
        "qa": mean([mean(row["correct"]) for row in rows]),
        "judgment": mean([row["judgment"] == row["target"] for row in rows]),
        "yes_rate": mean(says),
        **ranking(sure, labels, groups, config, ""),
        **skill(says, labels, groups, config, ""),
        "ece": reliability["ece"],
        "reliability": reliability["bins"],
        "brier": brier_decomposition(sure, labels, config.bins),
        "selective_80": kept[math.ceil(COVERAGE * len(kept)) - 1],
        "aurc": mean([1 - accuracy for accuracy in kept]),
    }
    if frozen is not None:
        found |= ranking(sure, frozen, groups, config, "_frozen")
        found |= skill(says, frozen, groups, config, "_frozen")
    return found


def ranking(
    sure: Sequence[float], labels: Sequence[bool], groups: Sequence[str], config: Config, behind: str = ""
) -> dict:
    """`auroc` and `auroc_95` (with `behind` at the end of the names), the student's 5.10."""
    found = by_entity(lambda chosen: auroc(*picked(chosen, sure, labels)), groups, config)
    return {f"auroc{behind}": found.value, f"auroc{behind}_95": ends(found)}


def skill(
    says: Sequence[bool], labels: Sequence[bool], groups: Sequence[str], config: Config, behind: str
) -> dict:
    """`skill` (all that 5.15 gives) and `skill_95`, with `behind` at the end of the names."""
    found = by_entity(lambda chosen: judgment_skill(*picked(chosen, says, labels))["skill"], groups, config)
    return {f"skill{behind}": judgment_skill(says, labels), f"skill{behind}_95": ends(found)}


def by_entity(statistic: Callable[[list[int]], float], groups: Sequence[str], config: Config):
    """A statistic of the chosen items, with its interval."""
    return clustered_statistic(statistic, groups, **resampled(config))


def picked(chosen: Sequence[int], *lists: Sequence) -> list[list]:
    """The chosen items of each list."""
    return [[values[i] for i in chosen] for values in lists]


def settings(config: Config) -> dict:
    """Of the intervals of means."""
    return {"resamples": config.bootstrap_resamples, "seed": config.seed}


def resampled(config: Config) -> dict:
    """Of intervals that go through all items in Python each time."""
    return {"resamples": min(config.bootstrap_resamples, 300), "seed": config.seed}


def ends(estimate) -> list[float]:
    """The interval of an estimate."""
    return [estimate.low, estimate.high]


def mean(values: Sequence[float]) -> float:
    """NaN of nothing."""
    return sum(values) / len(values) if values else math.nan
