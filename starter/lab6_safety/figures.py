"""Lab 6 figures: the trade-off in one picture, the sweep, and the safety of each category.

    plots(metrics, folder)                                # all of a run's, into plots/
    fig, alt = trade_off_figure(metrics["arms"])          # one of them, with its alt text

Source: nothing but the numbers in metrics.json. Left out: computing them (report.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labkit import plots as draw


def plots(found: dict, folder) -> None:
    """plots/trade_off.png, plots/categories.png and, with a sweep, plots/sweep_<arm>.png."""
    fig, said = trade_off_figure(found["arms"])
    draw.save(fig, folder.file("plots/trade_off.png"), alt=said)
    fig, axes = draw.figure(figsize=(8.5, 4.4))
    said = draw_categories(axes, found["arms"])
    draw.save(fig, folder.file("plots/categories.png"), alt=said)
    for name, sweep in found["sweeps"].items():
        fig, axes = draw.figure()
        said = draw_sweep(axes, sweep["rows"])
        draw.save(fig, folder.file(f"plots/sweep_{name}.png"), alt=said)


TRADE = (("accuracy", "right is good"), ("safety", "right is good"), ("over_refusal", "left is good"))
SAME = ("epochs", "data", "replay", "shots", "sweep")  # arms alike in these differ in the safety prompt only


def trade_off_figure(arms: Sequence[Mapping]):
    """(figure, alt text): accuracy, safety and over-refusal side by side, one line a way of tuning.

    Every share has its 95 % interval. Full: asked plainly; hollow: asked with the safety prompt. The
    dashed lines are the untuned model's.
    """
    lines: dict[tuple, list[Mapping]] = {}
    for row in arms:
        lines.setdefault(tuple(row["switches"][key] for key in SAME), []).append(row)
    fig, axes = draw.figure(1, 3, figsize=(13, 1.6 + 0.55 * len(lines)))
    for axis, (key, good) in zip(axes, TRADE, strict=True):
        for place, rows in enumerate(lines.values()):
            for row in rows:
                prompted, entry = row["switches"]["system_prompt"], row[key]
                style = draw.arm(int(prompted))
                axis.errorbar(
                    entry["value"],
                    place + (0.14 if prompted else -0.14),
                    xerr=reach(entry),
                    fmt=style["marker"],
                    color=style["color"],
                    markerfacecolor="white" if prompted else style["color"],
                    markersize=8,
                    linewidth=2,
                    capsize=3,
                )
        axis.axvline(arms[0][key]["value"], color="grey", linestyle="--", zorder=0)
        axis.set(title=f"{key.replace('_', '-')} ({good})", ylim=(len(lines) - 0.5, -0.5))  # untuned on top
        axis.set_yticks(range(len(lines)), [""] * len(lines))
    axes[0].set_yticklabels([rows[0]["arm"] for rows in lines.values()], fontsize=13)
    shown = [axes[0].plot([], [], **draw.arm(i) | {"linestyle": ""}, markersize=8)[0] for i in (0, 1)]
    shown[1].set_markerfacecolor("white")
    fig.legend(shown, ["asked plainly", "with the safety prompt"], loc="outside lower center", ncols=2)
    told = []
    for row in arms:
        values = [f"{row[key]['value']:.2f}" for key, _ in TRADE]
        told.append(f"{row['arm']} {' / '.join(values)}")
    return fig, f"Accuracy, safety and over-refusal of each arm: {'; '.join(told)}."


def reach(entry: Mapping) -> list[list[float]]:
    """Lengths of the bars below and above a share; none where the interval isn't defined."""
    low, high = entry["interval_95"]
    value = entry["value"]
    return [[0 if low is None else max(value - low, 0)], [0 if high is None else max(high - value, 0)]]


def draw_categories(
    axes, arms: Sequence[Mapping], names: Sequence[str] = ("untuned", "simple", "best")
) -> str:
    """Safety in each category of hazards, for a few arms."""
    shown = [row for row in arms if row["arm"] in names] or list(arms)[:3]
    labels, told = sorted(shown[0]["categories"]), []
    for place, row in enumerate(shown):
        entries = [row["categories"][label] for label in labels]
        xs = [i + (place - (len(shown) - 1) / 2) * 0.2 for i in range(len(labels))]
        ys = [entry["value"] for entry in entries]
        down, up = zip(*((low, high) for [low], [high] in map(reach, entries)), strict=True)
        style = draw.arm(place)
        axes.errorbar(
            xs, ys, yerr=[down, up], fmt=style["marker"], color=style["color"], capsize=2, label=row["arm"]
        )
        told.append(f"{row['arm']} between {min(ys):.2f} and {max(ys):.2f}")
    axes.set_xticks(range(len(labels)), labels)
    axes.set(xlabel="category of hazard", ylabel="safety", ylim=(-0.03, 1.03))
    axes.set_title("Safety by category, 95 % by request")
    axes.legend(fontsize=9)
    return f"Safety in {len(labels)} categories: {'; '.join(told)}."


def draw_sweep(axes, rows: Sequence[Mapping]) -> str:
    """Accuracy, safety and over-refusal of the checkpoints that competed, on validation items."""
    for place, key in enumerate(("accuracy", "safety", "over_refusal")):
        axes.plot(
            [row["step"] for row in rows],
            [row[key] for row in rows],
            **draw.arm(place),
            label=key.replace("_", "-"),
        )
    told = []
    for row in rows:
        if row["chosen"]:  # a share, where rows are means over seeds
            by = "" if row["chosen"] == 1 else f" by {row['chosen']:.0%} of seeds"
            told.append(f"step {row['step']:.0f}, chosen{by}")
            axes.axvline(row["step"], color="black", linestyle=":", label=told[-1])
    axes.set_xticks([row["step"] for row in rows])
    axes.set(xlabel="optimiser step", ylabel="share of validation items", ylim=(-0.03, 1.03))
    axes.legend(fontsize=9)
    return f"Checkpoints by step, on validation items: {'; '.join(told)}."
