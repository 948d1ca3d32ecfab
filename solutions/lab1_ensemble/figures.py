"""Lab 1 figures: format and accuracy, agreement and accuracy, risk and coverage, the judge; with alt text.

    plots(metrics, folder)                                              # all of a run's, into plots/
    plot_risk(metrics["confidence"], path)                              # one of them

Source: nothing but the numbers in metrics.json. Left out: computing them (report.py, scoring.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labkit import plots as draw


def plots(found: dict, folder) -> None:
    """plots/models.png, plots/pairs.png, plots/levels.png, plots/risk.png and plots/judge.png."""
    plot_models(found["models"], folder.file("plots/models.png"))
    plot_pairs(found["pairs"], folder.file("plots/pairs.png"))
    plot_levels(found["votes"], folder.file("plots/levels.png"))
    plot_risk(found["confidence"], folder.file("plots/risk.png"))
    if found.get("judge", {}).get("relations"):
        split = found["judge"]["relations"].get("unseen") or next(iter(found["judge"]["relations"].values()))
        plot_judge(split, folder.file("plots/judge.png"))


def bars_with_ends(axes, places, values: Sequence[float], ends: Sequence, **style) -> None:
    """Bars with their intervals; an end that isn't known is left out."""
    low = [v - (e[0] if e[0] is not None else v) for v, e in zip(values, ends, strict=True)]
    high = [(e[1] if e[1] is not None else v) - v for v, e in zip(values, ends, strict=True)]
    axes.bar(places, values, yerr=np.clip([low, high], 0, None), capsize=3, **style)


def plot_models(models: dict, path) -> None:
    fig, axes = draw.figure(figsize=(8, 4.2))
    names = list(models)
    for number, (key, ends) in enumerate((("accuracy", "by_frame_95"), ("format", "format_wilson_95"))):
        values = [models[name][key] for name in names]
        places = np.arange(len(names)) + 0.36 * number - 0.18
        label = ("type is right", "form is right")[number]
        color = draw.PALETTE[number]
        bars_with_ends(
            axes, places, values, [models[n][ends] for n in names], width=0.34, color=color, label=label
        )
    axes.plot(
        range(len(names)), [models[n]["control_constant"] for n in names], "kx", label="constant answer"
    )
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="share", ylim=(0, 1.2), title=f"Each model on {models[names[0]]['n']} unseen excerpts")
    axes.legend(fontsize=9, loc="upper center", ncols=3)  # above the bars
    said = "; ".join(f"{n} {models[n]['accuracy']:.2f} and {models[n]['format']:.2f}" for n in names)
    draw.save(fig, path, alt=f"Share with the right type and with the right form: {said}.")


def plot_pairs(pairs: dict, path) -> None:
    fig, axes = draw.figure(figsize=(8, 4.2))
    names = list(pairs)
    for number, (key, label) in enumerate(
        (("agreed_type", "right where types agree"), ("independent", "promised by independence"))
    ):
        values = [np.nan if pairs[n][key] is None else pairs[n][key] for n in names]
        ends = [pairs[n]["agreed_type_95"] if key == "agreed_type" else (None, None) for n in names]
        places = np.arange(len(names)) + 0.36 * number - 0.18
        bars_with_ends(axes, places, values, ends, width=0.34, color=draw.PALETTE[number], label=label)
    axes.set_xticks(range(len(names)), [name.replace("|", "\nand ") for name in names], fontsize=8)
    axes.set(ylabel="accuracy", ylim=(0, 1.2), title="What agreement is worth")
    axes.legend(fontsize=9, loc="upper center", ncols=2)
    said = "; ".join(
        f"{n.replace('|', ' and ')} {shown(pairs[n]['agreed_type'])} against {shown(pairs[n]['independent'])}"
        for n in names
    )
    draw.save(fig, path, alt=f"Accuracy where two models agree on the type, beside independence: {said}.")


def plot_levels(votes: Sequence[dict], path) -> None:
    fig, axes = draw.figure()
    said = []
    for place, team in enumerate(votes):
        levels = [level for level in team["by_level"] if level["n"]]
        values = [level["right"] / level["n"] for level in levels]
        label = " + ".join(team["models"])
        axes.plot([level["votes"] for level in levels], values, **draw.arm(place), label=label)
        said.append(
            label
            + ": "
            + ", ".join(
                f"{level['votes']} votes {v:.2f} (n = {level['n']})"
                for level, v in zip(levels, values, strict=True)
            )
        )
    most = max(len(team["models"]) for team in votes)
    axes.set(
        xlabel="votes for the winner", ylabel="accuracy of the vote", ylim=(0, 1), xticks=range(most + 1)
    )
    axes.set_title("Right by the number of votes")
    axes.legend(fontsize=8)
    draw.save(fig, path, alt=f"Accuracy of the vote by number of votes. {'; '.join(said)}.")


def plot_risk(curves: dict, path) -> None:
    fig, axes = draw.figure()
    said = draw_risk(axes, curves)
    draw.save(fig, path, alt=f"Risk against coverage of the first model's answers. {said}.")


def draw_risk(axes, curves: dict) -> str:
    """Draws the curves; returns what they say in words."""
    said = []
    for place, (name, curve) in enumerate(curves.items()):
        style = draw.arm(place)
        if len(curve["risk"]) > 8:
            style["marker"] = ""
        axes.plot(curve["coverage"], curve["risk"], **style, label=name)
        first = f"{curve['risk'][0]:.2f} at coverage {curve['coverage'][0]:.2f}"
        said.append(f"{name}: {first}, {curve['risk'][-1]:.2f} at 1")
    axes.set(
        xlabel="coverage: share of excerpts answered", ylabel="risk: share of wrong answers", ylim=(0, None)
    )
    axes.set_title("Answering only where it is confident")
    axes.legend(fontsize=9)
    return "; ".join(said)


def plot_judge(split: dict, path) -> None:
    fig, axes = draw.figure()
    arms = {"judge": "accuracy", "string match": "string_accuracy", "constant": "constant_accuracy"}
    values = [split[key] for key in arms.values()]
    kappas = [split["kappa"], split["string_kappa"], 0.0]
    axes.bar(np.arange(3) - 0.18, values, 0.34, color=draw.PALETTE[0], label="raw agreement with gold")
    heights = [np.nan if k is None else k for k in kappas]
    axes.bar(np.arange(3) + 0.18, heights, 0.34, color=draw.PALETTE[1], label="Cohen's kappa")
    axes.set_xticks(range(3), list(arms))
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(ylim=(-0.1, 1), title=f"The judge against gold relations, n = {split['n']}")
    axes.legend()
    said = "; ".join(f"{n} {v:.2f}, kappa {shown(k)}" for n, v, k in zip(arms, values, kappas, strict=True))
    draw.save(fig, path, alt=f"Agreement with the gold relations: {said}.")


def shown(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.2f}"
