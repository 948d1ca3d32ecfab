"""Lab 5 figures: judging epoch by epoch, calibration, risk and coverage, and self-knowledge gone stale.

    plots(metrics, folder)                                          # all of a run's, into plots/
    draw_reliability(axes, metrics["judgment"]["balanced"])         # one of them; gives its alt text

Source: nothing but the numbers in metrics.json. Left out: computing them (report.py).
"""

from __future__ import annotations

import math

from labkit import plots as draw


def plots(found: dict, folder) -> None:
    """One PNG for each figure that the run has numbers for."""
    for name, made in figures_of(found).items():
        fig, told = made()
        draw.save(fig, folder.file(f"plots/{name}.png"), alt=told)


def figures_of(found: dict) -> dict:
    """Name -> function that draws a figure and gives (figure, alt text)."""
    made = {}
    if found["judgment"]:
        main = next(iter(found["judgment"].values()))
        made["epochs"] = lambda: alone(draw_epochs, found["judgment"])
        made["labels"] = lambda: alone(lambda axes, arm: draw_labels(axes, arm, found["chance"]), main)
        made["reliability"] = lambda: alone(draw_reliability, main)
        made["selective"] = lambda: alone(draw_selective, main)
    if "stale" in found["phases"]:
        made["stale"] = lambda: alone(draw_stale, found["phases"]["stale"])
    return made


def alone(drawing, numbers):
    fig, axes = draw.figure()
    return fig, drawing(axes, numbers)


def draw_epochs(axes, arms: dict) -> str:
    """AUROC on validation, epoch by epoch, of each selection, with its interval by entity."""
    told = []
    for number, (name, arm) in enumerate(arms.items()):
        rows = [row["val"] for row in arm["epochs"]]
        values = [math.nan if row["auroc"] is None else row["auroc"] for row in rows]
        ends = [row["auroc_95"] for row in rows]
        bars = [
            [
                0 if end[side] is None else max(sign * (end[side] - value), 0)
                for value, end in zip(values, ends, strict=True)
            ]
            for side, sign in ((0, -1), (1, 1))
        ]
        axes.errorbar(range(len(values)), values, yerr=bars, capsize=3, label=name, **draw.arm(number))
        told.append(f"{name} from {values[0]:.2f} to {values[-1]:.2f}")
    axes.axhline(0.5, color="black", linestyle=":", label="a constant")
    axes.set_xticks(range(len(next(iter(arms.values()))["epochs"])))
    axes.set(xlabel="epoch", ylabel="AUROC, validation", ylim=(0.3, 1), title="Can it tell them apart?")
    axes.legend(fontsize=9)
    return f"AUROC of the judgment on validation, epoch by epoch: {'; '.join(told)}. A constant has 0.5."


def draw_labels(axes, arm: dict, chance: dict) -> str:
    """Judgment accuracy against labels of epoch 0 and against refreshed ones; what moved, and by chance."""
    rows = arm["frozen_and_refreshed"]
    names = {"frozen": "labels of epoch 0", "refreshed": "labels of this epoch", "moved": "moved labels"}
    for number, (key, label) in enumerate(names.items()):
        axes.plot(range(len(rows[key])), rows[key], label=label, **draw.arm(number))
    axes.set_xticks(range(len(arm["epochs"])))
    axes.axhline(chance["moved"], color="black", linestyle="--", label="moved by chance")
    constant = [row["val"]["skill"]["constant"] for row in arm["epochs"]]
    axes.plot(range(len(constant)), constant, color="black", linestyle=":", label="better constant")
    axes.set(
        xlabel="epoch", ylabel="share of the questions", ylim=(0, 1), title="Frozen and refreshed labels"
    )
    axes.legend(fontsize=9)
    told = "; ".join(f"{label} {rows[key][-1]:.2f}" for key, label in names.items())
    told += f"; a second collection of epoch 0 moves {chance['moved']:.2f}"
    return f"After the last epoch: {told}; the better constant judge gets {constant[-1]:.2f}."


def draw_reliability(axes, arm: dict) -> str:
    """Confidence against accuracy, before and after training; the number at a point is that of its items."""
    axes.plot([0, 1], [0, 1], color="black", linestyle=":", label="calibrated")
    told = []
    for number, (row, name) in enumerate(((arm["epochs"][0], "untrained"), (arm["epochs"][-1], "trained"))):
        bins = row["val"]["reliability"]
        style = {"color": draw.PALETTE[number], "marker": draw.MARKERS[number], "alpha": 0.8}
        x, y = [part["confidence"] for part in bins], [part["accuracy"] for part in bins]
        axes.scatter(x, y, s=40, label=f"{name}, ECE {row['val']['ece']:.2f}", **style)
        for part, place in zip(bins, zip(x, y, strict=True), strict=True):
            axes.annotate(
                f"{part['n']:.0f}",
                place,
                xytext=(5, 4),
                textcoords="offset points",
                fontsize=8,
                color=style["color"],
            )
        told.append(f"{name} ECE {row['val']['ece']:.2f}")
    axes.set(xlabel="confidence", ylabel="share that can be answered", xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
    axes.set_title("Reliability")
    axes.legend(fontsize=9)
    return f"Reliability diagram of the judgment on validation: {', '.join(told)}."


def draw_selective(axes, arm: dict) -> str:
    """Of the questions that are answered, how many it can answer, by the share that is answered."""
    told = []
    for number, (key, name) in enumerate((("selective_untrained", "untrained"), ("selective", "trained"))):
        values = arm[key]
        coverage = [(k + 1) / len(values) for k in range(len(values))]
        axes.plot(coverage, values, label=name, **draw.arm(number))
        told.append(f"{name} {values[len(values) // 2 - 1]:.2f}")
    axes.set(
        xlabel="coverage",
        ylabel="can answer (half of the trials right)",
        ylim=(0, 1),
        title="Answer what it is sure of",
    )
    axes.legend(fontsize=9)
    return f"Share that it can answer of the surest half: {', '.join(told)}."


def draw_stale(axes, groups: dict) -> str:
    """Under-confidence of v1 before, of v1 on the base that has learned, and of v2, by group of questions."""
    names, told = [name for name, row in groups.items() if row["n"]], []
    for number, (key, label) in enumerate(
        (("v1_before", "v1, old base"), ("v1", "v1, new base"), ("v2", "v2"))
    ):
        for place, name in enumerate(names):
            row = groups[name].get(key)
            if row is None or row["low"] is None:
                continue
            ends = [[max(row["pp"] - row["low"], 0)], [max(row["high"] - row["pp"], 0)]]
            style = {"color": draw.PALETTE[number], "fmt": draw.MARKERS[number], "capsize": 3}
            once = {"label": label} if place == 0 else {}
            axes.errorbar([row["pp"]], [place + 0.2 * (number - 1)], xerr=ends, **style, **once)
            if name == "learned":
                told.append(f"{label} {row['pp']:+.0f}")
    axes.axvline(0, color="black", linestyle=":")
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.invert_yaxis()
    axes.set(xlabel="too sure ←  under-confidence, points  → too unsure", title="Self-knowledge gone stale")
    axes.legend(fontsize=9)
    return f"Under-confidence on the learned questions, in points: {', '.join(told)}."
