"""Lab 3 figures: log-ratios during training, reward accuracy of the arms, ablations; each with alt text.

    plots(metrics, logs, folder)                                      # all of a run's, into plots/
    plot_ratios({"dpo": log, "cal_dpo": log}, path)                   # one of them

Source: nothing but the numbers in metrics.json and the logs. Left out: computing them (report.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from labkit import plots as draw


def plots(found: dict, logs: Mapping[str, Sequence[dict]], folder) -> None:
    """plots/ratios.png, plots/accuracy.png, plots/ablations.png, each with alt text."""
    if logs:
        plot_ratios(logs, folder.file("plots/ratios.png"))
    plot_accuracy(found["arms"], folder.file("plots/accuracy.png"))
    if found["ablations"]["full"]["n"]:
        plot_ablations(found["ablations"], folder.file("plots/ablations.png"))


def epoch_means(log: Sequence[dict], key: str) -> list[float]:
    """The mean of `key` in each epoch."""
    epochs = sorted({line["epoch"] for line in log})
    return [float(np.mean([line[key] for line in log if line["epoch"] == epoch])) for epoch in epochs]


def ratios_figure(logs: Mapping[str, Sequence[dict]]):
    """(figure, words): c and r of each arm by epoch, in nats."""
    fig, axes = draw.figure(1, 2)
    said = []
    for axis, key, title in zip(
        axes, ("chosen_ratio", "rejected_ratio"), ("chosen", "rejected"), strict=True
    ):
        for number, (name, log) in enumerate(logs.items()):
            values = epoch_means(log, key)
            axis.plot(range(1, len(values) + 1), values, **draw.arm(number), label=name)
            said.append(f"{name}, {title}: {values[-1]:.2f} nats at the end")
        axis.axhline(0, color="black", linewidth=0.8)
        axis.set(xlabel="epoch", ylabel="log-ratio to the reference (nats)", title=title)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].legend(fontsize=8)
    return fig, f"Log-ratios by epoch. {'; '.join(said)}."


def plot_ratios(logs: Mapping[str, Sequence[dict]], path) -> None:
    fig, alt = ratios_figure(logs)
    draw.save(fig, path, alt=alt)


def accuracy_figure(arms: Mapping[str, dict]):
    """(figure, words): held-out reward accuracy of each arm and kind, with intervals and the control."""
    fig, axes = draw.figure()
    kinds = list(dict.fromkeys(kind for row in arms.values() for kind in row["pairs"]))
    said = []
    for number, kind in enumerate(kinds):
        rows = [row["pairs"][kind] for row in arms.values()]
        values = np.array([row["accuracy"] for row in rows])
        ends = np.array([row["wilson_95"] for row in rows]).T
        places = np.arange(len(rows)) + 0.6 * (number + 0.5) / len(kinds) - 0.3
        bars = np.abs(ends - values)
        axes.errorbar(places, values, yerr=bars, **{**draw.arm(number), "linestyle": ""}, label=kind)
        for control, mark in (("length", "kx"), ("draft", "k_")):
            words = {"length": "length alone", "draft": "the draft's answer"}[control] if not number else None
            axes.plot(places, [row[f"{control}_control"] for row in rows], mark, label=words)
        said.append(f"{kind}: " + ", ".join(f"{a} {v:.2f}" for a, v in zip(arms, values, strict=True)))
    axes.set_xticks(range(len(arms)), list(arms), rotation=30, ha="right", fontsize=8)
    axes.set(ylabel="reward accuracy, held out", ylim=(-0.03, 1.03))
    # Above the axes: many points lie at 0 and 1, and a legend inside hides some.
    axes.legend(fontsize=8, ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0), columnspacing=1.0)
    return fig, f"Held-out reward accuracy. {'; '.join(said)}."


def plot_accuracy(arms: Mapping[str, dict], path) -> None:
    fig, alt = accuracy_figure(arms)
    draw.save(fig, path, alt=alt)


def plot_ablations(found: Mapping[str, dict], path) -> None:
    """Task accuracy with the full prompt, without the draft, with another's, without its answer line."""
    fig, axes = draw.figure()
    values = np.array([row["accuracy"] for row in found.values()])
    ends = np.array([row["wilson_95"] for row in found.values()]).T
    axes.bar(range(len(values)), values, yerr=np.abs(ends - values), color=draw.PALETTE[0], capsize=3)
    axes.set_xticks(range(len(values)), [name.replace("_", " ") for name in found])
    axes.set(ylabel="accuracy", ylim=(0, 1), title="What the draft is worth")
    said = ", ".join(f"{name} {value:.2f}" for name, value in zip(found, values, strict=True))
    draw.save(fig, path, alt=f"Accuracy by ablation: {said}.")
