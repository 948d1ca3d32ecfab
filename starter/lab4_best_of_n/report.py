"""Lab 4 report: what a run found, each claim with its n, interval, paired test and the n it would need.

    found = metrics(folder, config, ("base", "tuned"))      # everything, as in metrics.json
    effects(found)                                          # {"tuned_minus_untuned_pp": 41.2, ...}, in points
    print(table(found))

Intervals are bootstrapped by template, because problems of one template are right or wrong together. Source
of the tests: labkit.stats. Left out: the selectors themselves (analysis.py) and the plots (figures.py).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import numpy as np

from labkit.data import read_jsonl
from labkit.stats import clustered_bootstrap, mcnemar_exact, n_for_mcnemar, paired_bootstrap, wilson

from .analysis import SELECTORS, finite, percent
from .config import Config
from .data import TRAIN_FILE
from .method import canonical_answer

# What must hold on nano, as a mean over the recorded seeds; in percentage points.
EFFECT_TARGETS = {
    "tuned_minus_untuned_pp": ">= 30",
    "same_minus_nonoverlap_pp": "> 0",
    "maj8_minus_pass1_pp": ">= 5",
    "bon8_minus_pass1_pp": ">= 8",
    "weighted8_minus_best_of_both_pp": ">= 0",
    "oracle8_minus_best_pp": "> 0",
    "bon_turndown_pp": "> 0",
    "vote_turndown_pp": "<= 1",
}


# ---- metrics ----


def metrics(folder, config: Config, models: Sequence[str]) -> dict:
    """Everything a run found, from its files: accuracies, curves, failures and the effects with their
    tests."""

    def read(name: str):
        return json.loads(folder.file(name).read_text("utf-8"))

    majority_gold = Counter(
        canonical_answer(row["answer"]) for row in read_jsonl(folder.file(f"data/{TRAIN_FILE}"))
    ).most_common(1)[0][0]
    tests, accuracy = {}, {}
    for model in models:
        for name in config.test_sets:
            rows = read_jsonl(folder.file(f"predictions/{model}_{name}.jsonl"))
            tests[model, name] = rows
            accuracy[f"{model}_{name}"] = accuracy_of(rows, majority_gold, config)
    curves = {m: read_jsonl(folder.file(f"results/sampling/eval_{m}/curves.jsonl")) for m in models}
    picked = read_jsonl(folder.file("results/sampling/eval_tuned/choices.jsonl"))
    found = {
        "profile": config.profile,
        "seed": config.seed,
        "sweep": read("sweep.json"),
        "accuracy": accuracy,
        "curves": {model: mean_curves(curves[model], config) for model in models},
        "failures": {model: read(f"results/failure_counts_{model}.json") for model in models},
        "overoptimisation": read("results/overoptimisation.json"),
    }
    found["effects"] = {
        **tuning_effects(tests, config),
        **choosing_effects(curves["tuned"], picked, config),
        **turndown_effects(found["overoptimisation"]),
    }
    return found


def accuracy_of(rows: Sequence[dict], majority_gold: str, config: Config) -> dict:
    """Accuracy with n, Wilson's interval, one clustered by template, and two controls on the same items.

    Controls: the constant that is the most frequent training answer, and the predictions against the gold of
    the next item (shuffled: what a model gets that ignores the question).
    """
    n, right = len(rows), sum(row["correct"] for row in rows)
    low, high = wilson(right, n)
    estimate = bootstrap([float(row["correct"]) for row in rows], rows, config)
    golds = [row["gold"] for row in rows]
    shifted = [row["answer"] == gold for row, gold in zip(rows, golds[1:] + golds[:1], strict=True)]
    return {
        "accuracy": right / n,
        "n": n,
        "wilson_95": [low, high],
        "by_template_95": [finite(estimate.low), finite(estimate.high)],
        "templates": estimate.clusters,
        "unread": sum(row["answer"] is None for row in rows),
        "control_constant": sum(gold == majority_gold for gold in golds) / n,
        "control_shuffled": sum(shifted) / n,
    }


def mean_curves(rows: Sequence[dict], config: Config) -> dict:
    """Mean of every selector at every k, with intervals clustered by template."""
    result: dict = {"k": rows[0]["k"], "questions": len(rows)}
    for name in SELECTORS:
        estimates = [
            bootstrap([row[name][j] for row in rows], rows, config) for j in range(len(rows[0]["k"]))
        ]
        result[name] = [estimate.value for estimate in estimates]
        result[f"{name}_95"] = [[finite(e.low), finite(e.high)] for e in estimates]
    return result


def tuning_effects(tests: dict, config: Config) -> dict:
    """What fine-tuning gave in distribution (paired), and what it loses on new templates (not paired)."""
    tuned, base = tests["tuned", "in_distribution"], tests["base", "in_distribution"]
    same, other = tests["tuned", "same_templates"], tests["tuned", "non_overlapping"]
    means = [bootstrap([float(row["correct"]) for row in rows], rows, config) for rows in (same, other)]
    # Different items: the half-widths of two independent intervals add up in squares (Newcombe 1998).
    gap = means[0].value - means[1].value
    below = np.hypot(means[0].value - means[0].low, means[1].high - means[1].value)
    above = np.hypot(means[0].high - means[0].value, means[1].value - means[1].low)
    gap_row = {"value_pp": 100 * gap, "low_pp": percent(gap - below), "high_pp": percent(gap + above)}
    gap_row |= {"n": [len(same), len(other)], "method": "two independent bootstraps by template"}
    return {
        "tuned_minus_untuned_pp": paired(
            [float(row["correct"]) for row in tuned],
            [float(row["correct"]) for row in base],
            tuned,
            config,
        ),
        "same_minus_nonoverlap_pp": gap_row,
    }


def choosing_effects(rows: Sequence[dict], picked: Sequence[dict], config: Config) -> dict:
    """The selectors at k = 8 against one random sample and against each other, on the same questions.

    Differences are unbiased, over all subsets; McNemar's test needs verdicts and takes those on the first 8.
    The weighted vote's rival is the better of the two on these questions: hindsight, in the rival's favour.
    """
    at = {name: [row[name][row["k"].index(8)] for row in rows] for name in SELECTORS}
    best_of_both = max(("majority", "best_of_n"), key=lambda name: np.mean(at[name]))
    best = max(("majority", "best_of_n", "weighted"), key=lambda name: np.mean(at[name]))
    pairs = {
        "maj8_minus_pass1_pp": ("majority", "random"),
        "bon8_minus_pass1_pp": ("best_of_n", "random"),
        "weighted8_minus_best_of_both_pp": ("weighted", best_of_both),
        "oracle8_minus_best_pp": ("oracle", best),
    }
    # One random sample is, on the first 8, the first of them.
    hits = {name: [row[name]["8"] for row in picked] for name in SELECTORS}
    hits["random"] = [row["majority"]["1"] for row in picked]
    return {
        effect: {
            **paired(at[first], at[second], rows, config, (hits[first], hits[second])),
            "arms": [first, second],
        }
        for effect, (first, second) in pairs.items()
    }


def turndown_effects(curves: dict) -> dict:
    """How far best-of-n and the vote fall from n = 8 to the largest n once hacked samples are planted."""
    names = {"bon_turndown_pp": "best_of_n", "vote_turndown_pp": "majority"}
    return {
        effect: {
            "value_pp": curves["planted"][name]["turndown_pp"],
            **{key: curves["planted"][name][key] for key in ("low_pp", "high_pp", "n", "from_n")},
            "method": "n = from_n minus largest n, paired bootstrap by template",
        }
        for effect, name in names.items()
    }


def paired(
    first: Sequence[float],
    second: Sequence[float],
    rows: Sequence[dict],
    config: Config,
    verdicts: tuple[Sequence[bool], Sequence[bool]] | None = None,
) -> dict:
    """Mean difference in points with its interval, McNemar's test, and the n that the discordance asks for.

    `verdicts` are right or wrong per item for McNemar's test; None where `first` and `second` are verdicts.
    The test takes items as independent; only the interval knows that templates share their fate.
    """
    labels = [row["template"] for row in rows]
    settings = {"resamples": config.bootstrap_resamples, "seed": config.seed}
    estimate = paired_bootstrap(first, second, labels, **settings)
    test = mcnemar_exact(*(verdicts or (first, second)))
    gap = abs(test.only_first - test.only_second) / test.n
    return {
        "value_pp": 100 * estimate.value,
        "low_pp": percent(estimate.low),
        "high_pp": percent(estimate.high),
        "n": estimate.n,
        "clusters": estimate.clusters,
        "method": "paired bootstrap by template",
        "mcnemar": {
            "of": "verdicts on the first 8 samples" if verdicts else "the same verdicts",
            "only_first": test.only_first,
            "only_second": test.only_second,
            "p_value": test.p_value,
            "discordance": test.discordance,
            "n_needed": n_for_mcnemar(gap, test.discordance) if gap else None,
        },
    }


def bootstrap(values: Sequence[float], rows: Sequence[dict], config: Config):
    """The mean with an interval from resampling templates."""
    labels = [row["template"] for row in rows]
    return clustered_bootstrap(values, labels, resamples=config.bootstrap_resamples, seed=config.seed)


def effects(found: dict) -> dict[str, float]:
    """The effects of a run in points, by the names of EFFECT_TARGETS; what is averaged over seeds."""
    return {name: found["effects"][name]["value_pp"] for name in EFFECT_TARGETS}


def table(found: dict) -> str:
    """The effects of one run as text: value, interval, n, target of the mean over seeds."""
    lines = [f"{'effect':34} {'value':>7}  {'95 % interval':>17}  {'n':>10}  target (mean over seeds)"]
    for name, target in EFFECT_TARGETS.items():
        row = found["effects"][name]
        ends = [f"{row[end]:.1f}" if row[end] is not None else "-" for end in ("low_pp", "high_pp")]
        n = "/".join(map(str, row["n"])) if isinstance(row["n"], list) else str(row["n"])
        lines.append(f"{name:34} {row['value_pp']:7.1f}  {' to '.join(ends):>17}  {n:>10}  {target}")
    return "\n".join(lines)
