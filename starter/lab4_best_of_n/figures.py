"""Lab 4 figures: accuracy, selectors against k, over-optimisation, unique answers; each with alt text.

    plots(metrics, folder)                                              # all of a run's, into plots/
    plot_selectors(metrics["curves"]["tuned"], "tuned", path)           # one of them

Source: nothing but the numbers in metrics.json and the failure lists. Left out: computing them
(analysis.py, report.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from labkit import plots as draw

from .analysis import LABELS, SELECTORS


def plots(found: dict, folder) -> None:
    """plots/accuracy.png, plots/selectors_<model>.png, plots/overoptimisation.png, each with alt text."""
    plot_accuracy(found["accuracy"], folder.file("plots/accuracy.png"))
    for model, curves in found["curves"].items():
        plot_selectors(curves, model, folder.file(f"plots/selectors_{model}.png"))
    plot_overoptimisation(found["overoptimisation"], folder.file("plots/overoptimisation.png"))


def plot_accuracy(accuracy: dict, path) -> None:
    fig, axes = draw.figure()
    sets = ("in_distribution", "same_templates", "non_overlapping")
    said = []
    for number, model in enumerate(("base", "tuned")):
        rows = [accuracy[f"{model}_{name}"] for name in sets]
        values = [row["accuracy"] for row in rows]
        ends = np.array(
            [[v - row["wilson_95"][0], row["wilson_95"][1] - v] for v, row in zip(values, rows, strict=True)]
        )
        places = np.arange(len(sets)) + 0.36 * number - 0.18
        axes.bar(
            places,
            values,
            0.34,
            yerr=np.clip(ends, 0, None).T,
            color=draw.PALETTE[number],
            label=model,
            capsize=3,
        )
        said.append(f"{model} " + ", ".join(f"{v:.2f}" for v in values))
    axes.plot(np.arange(len(sets)), [row["control_constant"] for row in rows], "kx", label="constant answer")
    axes.set_xticks(range(len(sets)), [name.replace("_", " ") for name in sets])
    axes.set(ylabel="accuracy", ylim=(0, 1), title="One greedy answer")
    axes.legend()
    draw.save(fig, path, alt=f"Accuracy in distribution, on same and on new templates: {'; '.join(said)}.")


def plot_selectors(curves: dict, model: str, path) -> None:
    fig, axes = draw.figure()
    for number, name in enumerate(SELECTORS):
        axes.plot(curves["k"], curves[name], **draw.arm(number), label=LABELS[name])
    axes.set_xscale("log", base=2)
    axes.set_xticks(curves["k"], [str(k) for k in curves["k"]])
    axes.set(xlabel="samples k", ylabel="expected accuracy", ylim=(0, 1), title=f"Choosing among k: {model}")
    axes.legend(fontsize=9)
    ends = ", ".join(f"{LABELS[name]} {curves[name][-1]:.2f}" for name in SELECTORS)
    alt = f"Expected accuracy of {model} against k; one sample {curves['random'][0]:.2f}; "
    draw.save(fig, path, alt=f"{alt}at k = {curves['k'][-1]}: {ends}.")


def plot_overoptimisation(curves: dict, path) -> None:
    fig, axes = draw.figure()
    number, said = 0, []
    for arm in ("planted", "natural"):
        for name in ("best_of_n", "majority"):
            values = curves[arm][name]["accuracy"]
            axes.plot(curves["kl_bound_nats"], values, **draw.arm(number), label=f"{LABELS[name]}, {arm}")
            said.append(
                f"{LABELS[name]} ({arm}) {max(values):.2f} at its highest, {values[-1]:.2f} at the end"
            )
            number += 1
    axes.set(xlabel="upper bound of the KL from the model (nats)", ylabel="expected accuracy", ylim=(0, 1))
    axes.set_title(f"Over-optimisation, {100 * curves['hack_rate']:g} % hacked samples planted")
    axes.legend(fontsize=9)
    draw.save(fig, path, alt=f"Accuracy as n grows: {'; '.join(said)}.")


def plot_unique_answers(failures: Sequence[dict], model: str, path) -> None:
    """How many different answers the questions got, split by whether the vote was right."""
    fig, axes = draw.figure()
    most = max(item["unique"] for item in failures)
    groups = {
        "a selector failed": [f["unique"] for f in failures if f["majority_failure"] or f["bon_failure"]],
        "no right sample": [f["unique"] for f in failures if not f["any_right"]],
    }
    groups["both right"] = list(
        (Counter(f["unique"] for f in failures) - Counter(sum(groups.values(), []))).elements()
    )
    base = np.zeros(most + 1)
    for number, (label, values) in enumerate(groups.items()):
        heights = np.bincount(values, minlength=most + 1)
        axes.bar(range(most + 1), heights, bottom=base, color=draw.PALETTE[number], label=label)
        base += heights
    axes.set(xlabel="different answers a question", ylabel="questions", title=f"Unique answers: {model}")
    axes.legend()
    counts = ", ".join(f"{int(v)} questions with {k}" for k, v in enumerate(base) if v)
    draw.save(fig, path, alt=f"Different answers a question got from {model}: {counts}.")
