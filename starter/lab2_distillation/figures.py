"""Lab 2 figures: the ablation, what each arm answers under both evaluators, and what the filter kept.

    plots(metrics, folder)                                        # all of a run's, into plots/
    draw_ablation(axes, metrics["ablation"], metrics["control"])  # one of them; gives its alt text

Source: nothing but the numbers in metrics.json. Left out: computing them (report.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from labkit import plots as draw


def plots(found: dict, folder) -> None:
    """plots/ablation.png, plots/answers.png and plots/filter.png."""
    fig, axes = draw.figure(figsize=(8.5, 4.4))
    said = draw_ablation(axes, found["ablation"], found["control"])
    draw.save(fig, folder.file("plots/ablation.png"), alt=said)
    fig, axes = draw.figure(1, 2)
    said = draw_answers(axes, found["ablation"])
    draw.save(fig, folder.file("plots/answers.png"), alt=said)
    fig, axes = draw.figure()
    said = draw_filter(axes, found["quality"])
    draw.save(fig, folder.file("plots/filter.png"), alt=said)


def draw_ablation(axes, rows: Sequence[dict], control: dict) -> str:
    """Accuracy of each arm with its interval by entity, beside the constant answer."""
    names = [row["arm"] for row in rows]
    for place, row in enumerate(rows):
        value, (low, high) = row["score"]["accuracy"], ends_of(row["score"])
        bars = [[max(value - low, 0)], [max(high - value, 0)]]
        axes.errorbar([value], [place], xerr=bars, fmt="o", color=draw.PALETTE[0], capsize=3)
    constant = max(control.values())
    axes.axvline(constant, color="black", linestyle=":", label=f"better constant, {constant:.3f}")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlabel="accuracy", xlim=(0, 1), title="One repair after the other")
    axes.legend(fontsize=9)
    told = "; ".join(f"{row['arm']} {row['score']['accuracy']:.2f}" for row in rows)
    return f"Accuracy of each arm: {told}. The better constant answer gets {constant:.2f}."


def ends_of(score: dict) -> tuple[float, float]:
    low, high = score["by_entity_95"]
    return (score["accuracy"] if low is None else low), (score["accuracy"] if high is None else high)


def draw_answers(axes, rows: Sequence[dict]) -> str:
    """Shares of yes, no and unread: left as the published evaluator reads them, right as the anchored one."""
    names, told = [row["arm"] for row in rows], []
    for axis, key, title in zip(
        axes, ("published_evaluator", "anchored_evaluator"), ("default No", "anchored"), strict=True
    ):
        left = [0.0] * len(rows)
        for number, (part, label) in enumerate((("yes_rate", "yes"), ("no_rate", "no"), (None, "unread"))):
            widths = [1 - row[key]["parse_rate"] if part is None else row[key][part] for row in rows]
            axis.barh(range(len(rows)), widths, left=left, color=draw.PALETTE[number], label=label)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -1.5)  # the first row on top, and room for the legend above it
        axis.set(xlabel="share of the answers", xlim=(0, 1), title=f"Evaluator: {title}")
        shares = ", ".join(f"{row['arm']} {row[key]['yes_rate']:.2f}" for row in rows)
        told.append(f"{title}: share of yes {shares}")
    axes[0].legend(fontsize=9, loc="upper center", ncols=3)  # above the bars
    return f"What each arm answers. {'. '.join(told)}."


def draw_filter(axes, quality: dict) -> str:
    """The classes before and after the filter."""
    shares = [quality["prior_yes"], quality["kept_prior_yes"]]
    labels = [f"asked, {quality['n']}", f"kept, {quality['kept']}"]
    axes.bar(labels, shares, 0.5, color=draw.PALETTE[0], label="yes")
    axes.bar(labels, [1 - s for s in shares], 0.5, bottom=shares, color=draw.PALETTE[1], label="no")
    axes.set(ylabel="share", ylim=(0, 1), title="What keep-if-correct keeps")
    axes.legend(fontsize=9)
    return f"Share of yes: {shares[0]:.2f} among the questions asked, {shares[1]:.2f} among those kept."
