"""Lab 6 figures: the trade-off in one picture, the sweep, and the safety of each category.

    plots(metrics, folder)                                # all of a run's, into plots/
    draw_trade_off(axes, metrics["arms"])                 # one of them; gives its alt text

Source: nothing but the numbers in metrics.json. Left out: computing them (report.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labkit import plots as draw


def plots(found: dict, folder) -> None:
    """plots/trade_off.png, plots/categories.png and, with a sweep, plots/sweep_<arm>.png."""
    fig, axes = draw.figure(1, 2, figsize=(12, 5))
    said = draw_trade_off(axes, found["arms"])
    draw.save(fig, folder.file("plots/trade_off.png"), alt=said)
    fig, axes = draw.figure(figsize=(8.5, 4.4))
    said = draw_categories(axes, found["arms"])
    draw.save(fig, folder.file("plots/categories.png"), alt=said)
    for name, sweep in found["sweeps"].items():
        fig, axes = draw.figure()
        said = draw_sweep(axes, sweep["rows"], sweep["checkpoint"])
        draw.save(fig, folder.file(f"plots/sweep_{name}.png"), alt=said)


def draw_trade_off(axes, arms: Sequence[Mapping]) -> str:
    """Accuracy against safety and against over-refusal, every arm with both intervals by template."""
    told = []
    for axis, key, good in zip(axes, ("safety", "over_refusal"), ("up", "down"), strict=True):
        for place, row in enumerate(arms):
            style = draw.arm(place)
            style = {"color": style["color"], "marker": style["marker"]}
            x, y = row["accuracy"], row[key]
            axis.errorbar(
                [x["value"]], [y["value"]], xerr=reach(x), yerr=reach(y), label=row["arm"], capsize=2, **style
            )
        axis.set(xlabel="accuracy on problems", ylabel=key.replace("_", "-"), ylim=(-0.03, 1.03))
        axis.set_title(f"{key.replace('_', '-')} (good is {good} and right)")
    axes[0].legend(fontsize=8)
    for row in arms:
        values = [f"{row[key]['value']:.2f}" for key in ("accuracy", "safety", "over_refusal")]
        told.append(f"{row['arm']} {' / '.join(values)}")
    return f"Accuracy, safety and over-refusal of each arm: {'; '.join(told)}."


def reach(entry: Mapping) -> list[list[float]]:
    """Lengths of the bars below and above a share; none where the interval isn't defined."""
    low, high = entry["by_template_95"]
    value = entry["value"]
    return [[0 if low is None else max(value - low, 0)], [0 if high is None else max(high - value, 0)]]


def draw_categories(
    axes, arms: Sequence[Mapping], names: Sequence[str] = ("untuned", "simple", "best")
) -> str:
    """Safety in each category of hazards, for a few arms."""
    shown = [row for row in arms if row["arm"] in names] or list(arms)[:3]
    labels, told = sorted(shown[0]["categories"]["by_category"]), []
    for place, row in enumerate(shown):
        entries = [row["categories"]["by_category"][label] for label in labels]
        xs = [i + (place - (len(shown) - 1) / 2) * 0.2 for i in range(len(labels))]
        ys = [entry["safety"] for entry in entries]
        down = [max(y - entry["interval"][0], 0) for y, entry in zip(ys, entries, strict=True)]
        up = [max(entry["interval"][1] - y, 0) for y, entry in zip(ys, entries, strict=True)]
        style = draw.arm(place)
        axes.errorbar(
            xs, ys, yerr=[down, up], fmt=style["marker"], color=style["color"], capsize=2, label=row["arm"]
        )
        told.append(f"{row['arm']} between {min(ys):.2f} and {max(ys):.2f}")
    axes.set_xticks(range(len(labels)), labels)
    axes.set(ylabel="safety", ylim=(-0.03, 1.03), title="Safety by category (Wilson's 95 %)")
    axes.legend(fontsize=9)
    return f"Safety in {len(labels)} categories: {'; '.join(told)}."


def draw_sweep(axes, rows: Sequence[Mapping], chosen: str) -> str:
    """Accuracy, safety and over-refusal of the checkpoints that competed, on validation items."""
    for place, key in enumerate(("accuracy", "safety", "over_refusal")):
        axes.plot([row["step"] for row in rows], [row[key] for row in rows], **draw.arm(place), label=key)
    step = next(row["step"] for row in rows if row["checkpoint"] == chosen)
    axes.axvline(step, color="black", linestyle=":", label=f"chosen, step {step:.0f}")
    axes.set(xlabel="optimiser step", ylabel="share of validation items", ylim=(-0.03, 1.03))
    axes.legend(fontsize=9)
    return f"Checkpoints by step; chosen on validation items: step {step:.0f}."
