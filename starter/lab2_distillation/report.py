"""Lab 2 report: what a run found: the ablation table, each row with n, interval, control and paired test.

    found = metrics(folder, config)            # everything, as in metrics.json
    print(ablation_table(found))               # the centre of the lab, as Markdown
    effects(found)                             # {"repaired_minus_phase_a_pp": 21.4, ...}, averaged over seeds

Intervals come from resampling whole entities, because questions about one thing are right or wrong together.
The per-arm numbers are the student's (2.14 to 2.16); source of the other statistics: labkit.stats. Left out:
plots (figures.py).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence

from labkit.data import finite, read_jsonl
from labkit.stats import clustered_bootstrap, n_for_mcnemar, paired_bootstrap

from .config import Arm, Config
from .evaluate import exact_mcnemar, prediction_report, wilson_interval
from .method import kept_prior, log_odds_shift

# What must hold on nano, as a mean over the recorded seeds; in percentage points.
EFFECT_TARGETS = {
    "phase_a_minus_majority_pp": "> 0",
    "phase_a_accuracy_pp": "<= 65",
    "published_from_constant_pp": "<= 3",
    "repaired_minus_phase_a_pp": ">= 15",
    "repaired_minus_published_pp": "> 0",
    "scorer_pp": "> 0",
    "target_minus_scorer_pp": "> 0",
    "steps_minus_target_pp": "> 0",
    "prior_minus_targets_pp": "> 0",
}


def metrics(folder, config: Config) -> dict:
    """Everything a run found, from its files."""
    said = {name: read_jsonl(folder.file(f"predictions/{name}.jsonl")) for name in ("base", *config.arms)}
    quality = json.loads(folder.file("quality_report.json").read_text("utf-8"))
    found = {
        "profile": config.profile,
        "seed": config.seed,
        "teacher": config.teacher,
        "n": len(said["base"]),
        "entities": len({row["cluster"] for row in said["base"]}),
        "quality": selection(quality["train"]),
        "control": control(said["base"]),
        "base": scored(said["base"], "anchored", config),
        "ablation": [row_of(name, folder, config, said) for name in config.arms],
        "failure_analysis": {name: failures(said[name]) for name in ("base", *config.arms)},
    }
    found["effects"] = all_effects(said, config)
    return finite(found)


def selection(quality: dict) -> dict:
    """The quality report with what it means: the kept prior by Bayes' rule, and the shift in nats."""
    recalls = (quality["recall_yes"], quality["recall_no"])
    kept, prior = quality["kept_prior_yes"], quality["prior_yes"]
    known = None not in (*recalls, prior)
    shift = log_odds_shift(prior, kept) if kept is not None and 0 < kept < 1 and 0 < prior < 1 else math.nan
    return {
        **quality,
        "kept_prior_by_bayes": kept_prior(prior, *recalls) if known else math.nan,
        "shift_nats": shift,
    }


def control(rows: Sequence[dict]) -> dict:
    """What needs no model: the share of each answer. The published default gets the share of no."""
    gold = [row["gold"] for row in rows]
    return {"always_no": gold.count(False) / len(gold), "always_yes": gold.count(True) / len(gold)}


# ---- one arm ----


def scored(rows: Sequence[dict], scorer: str, config: Config) -> dict:
    """One list of replies under one evaluator: the report of 2.14, intervals by Wilson and by entity."""
    gold = [row["gold"] for row in rows]
    predictions = [row[scorer] for row in rows]
    right = [said is answer for said, answer in zip(predictions, gold, strict=True)]
    by_entity = clustered_bootstrap([float(flag) for flag in right], clusters(rows), **settings(config))
    return {
        **prediction_report(predictions, gold),
        "wilson_95": list(wilson_interval(sum(right), len(right))),
        "by_entity_95": [by_entity.low, by_entity.high],
    }


def row_of(name: str, folder, config: Config, said: dict) -> dict:
    """One row of the ablation table: the switches, both evaluators, and the gap to the row it belongs to."""
    arm, other = config.arms[name], compared_with(name, config)
    training = json.loads(folder.file(f"{config.folder_of(name)}/training.json").read_text("utf-8"))
    return {
        "arm": name,
        "switches": {key: getattr(arm, key) for key in Arm.__dataclass_fields__},
        "rows": training["rows"],
        "steps": training["optimiser_steps"],
        "trainable": training["trainable"],
        "missed_layers": training["coverage"]["missed"],
        "score": scored(said[name], arm.scorer, config),
        "published_evaluator": scored(said[name], "default_no", config),
        "anchored_evaluator": scored(said[name], "anchored", config),
        "step": compared(said, name, other, config) if other else None,
        "from_baseline": compared(said, name, config.baseline, config) if name != config.baseline else None,
    }


def compared_with(name: str, config: Config) -> str | None:
    """The arm that a row is compared with: the one it names, else the row above; None for the first."""
    names = list(config.arms)
    return config.arms[name].against or (names[names.index(name) - 1] if names.index(name) else None)


def failures(rows: Sequence[dict]) -> dict:
    """What an arm says at all: how its replies begin, and some that nobody can read."""
    begin = Counter(" ".join(row["first"].split()[:2]) for row in rows)
    unread = [row["text"][:80] for row in rows if row["anchored"] is None]
    return {"first_words": begin.most_common(4), "unread": unread[:4]}


def correct(said: dict, name: str, config: Config) -> list[bool]:
    """Per item: is the arm right, as its own evaluator reads it?"""
    return [row[config.arms[name].scorer] is row["gold"] for row in said[name]]


def compared(said: dict, name: str, other: str, config: Config) -> dict:
    """An arm minus another on the same questions: points, interval by entity, exact test, needed n."""
    first, second = correct(said, name, config), correct(said, other, config)
    gap = paired_bootstrap(first, second, clusters(said[name]), **settings(config))
    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second, strict=True))
    difference, discordance = (only_first - only_second) / gap.n, (only_first + only_second) / gap.n
    return {
        "other": other,
        "pp": 100 * gap.value,
        "low": 100 * gap.low,
        "high": 100 * gap.high,
        "only_first": only_first,
        "only_second": only_second,
        "p_value": exact_mcnemar(only_first, only_second),
        "n_needed": n_for_mcnemar(difference, discordance) if difference else None,
    }


def clusters(rows: Sequence[dict]) -> list[str]:
    return [row["cluster"] for row in rows]


def settings(config: Config) -> dict:
    return {"resamples": config.bootstrap_resamples, "seed": config.seed}


# ---- effects ----


def all_effects(said: dict, config: Config) -> dict:
    """Each effect with its interval by entity, in points."""
    gold = [row["gold"] for row in said["base"]]
    majority = gold.count(True) > gold.count(False)
    phase_a, broken = correct(said, config.baseline, config), correct(said, config.broken, config)
    repaired = correct(said, config.repaired, config)
    constant = [answer is majority for answer in gold]
    default = [answer is False for answer in gold]  # what the published scorer gives to unread text
    flattered = [row["default_no"] is row["gold"] for row in said[config.repaired]]
    groups = clusters(said["base"])

    def gap(first: Sequence[bool], second: Sequence[bool]) -> dict:
        return in_points(paired_bootstrap(first, second, groups, **settings(config)))

    level = in_points(clustered_bootstrap([float(x) for x in phase_a], groups, **settings(config)))
    from_constant = gap(broken, default)
    distance = {**from_constant, "value": abs(from_constant["value"]), "signed": from_constant["value"]}
    rows = {}
    for name in config.arms:
        if (other := compared_with(name, config)) is not None:
            rows[f"{name}_minus_{other}_pp"] = gap(correct(said, name, config), correct(said, other, config))
    return {
        "phase_a_minus_majority_pp": gap(phase_a, constant),
        "phase_a_accuracy_pp": level,
        "published_from_constant_pp": distance,
        "repaired_minus_phase_a_pp": gap(repaired, phase_a),
        "repaired_minus_published_pp": gap(repaired, broken),
        "scorer_pp": gap(repaired, flattered),  # one model, the same replies, two evaluators
        **rows,
    }


def in_points(estimate) -> dict:
    ends = {"low": 100 * estimate.low, "high": 100 * estimate.high}
    return {"value": 100 * estimate.value, **ends, "n": estimate.n, "clusters": estimate.clusters}


def effects(found: dict) -> dict[str, float]:
    """The effects of a run by the names of EFFECT_TARGETS, NaN where one isn't defined; without those of arms
    that it didn't have."""
    known = found["effects"]
    values = {name: known[name]["value"] for name in EFFECT_TARGETS if name in known}
    return {name: math.nan if value is None else value for name, value in values.items()}


def phase_a(found: dict, config: Config) -> dict:
    """The published `results_phase_a.json`: accuracy and counts of the baseline."""
    row = next(row for row in found["ablation"] if row["arm"] == config.baseline)
    score, n = row["score"], found["n"]
    correct_count = round(score["accuracy"] * n)
    return {
        "model": config.model,
        "accuracy": score["accuracy"],
        "correct": correct_count,
        "total": n,
        "interval_95": score["by_entity_95"],
        "majority": score["majority"],
        "train_examples": row["rows"],
    }


# ---- tables ----


def ablation_table(found: dict) -> str:
    """The ablation as a Markdown table; the last column is the gap to the arm named in it."""
    head = ["arm", "accuracy", "95 % by entity", "read", "says yes", "balanced", "MCC", "published evaluator"]
    head += ["steps", "trainable", "points, against"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for row in found["ablation"]:
        score, step = row["score"], row["step"]
        gap = "" if step is None else f"{step['pp']:+.1f} [{step['low']:+.1f}, {step['high']:+.1f}]"
        low, high = score["by_entity_95"]
        cells = [
            row["arm"],
            number(score["accuracy"]),
            f"{number(low)} to {number(high)}",
            number(row["anchored_evaluator"]["parse_rate"]),
            number(score["yes_rate"]),
            number(score["balanced_accuracy"]),
            number(score["mcc"]),
            number(row["published_evaluator"]["accuracy"]),
            f"{row['steps']:.0f}",
            f"{row['trainable']:,.0f}",
            f"{gap} {step['other']}" if step else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    control, base = found["control"], found["base"]
    lines.append("")
    lines.append(
        f"n = {base['n']:.0f} questions, in groups by entity. Always no: "
        f"{number(control['always_no'])}; always yes: {number(control['always_yes'])}; untuned: "
        f"{number(base['accuracy'])}, of which {number(base['parse_rate'])} could be read."
    )
    return "\n".join(lines) + "\n"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def effect_table(found: dict) -> str:
    """The effects of one run as text: value, interval, n, target of the mean over seeds."""
    lines = [f"{'effect':34} {'value':>7}  {'95 % interval':>17}  {'n':>6}  expected (mean over seeds)"]
    for name, target in EFFECT_TARGETS.items():
        row = found["effects"].get(name)
        if row is None:
            continue
        value, *ends = ["-" if row[end] is None else f"{row[end]:.1f}" for end in ("value", "low", "high")]
        lines.append(f"{name:34} {value:>7}  {' to '.join(ends):>17}  {row['n']:>6}  {target}")
    return "\n".join(lines)
