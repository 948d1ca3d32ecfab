"""Lab 5 tables: what a run found, as text.

    print(tables(metrics))                          # all of them, as in summary.txt
    print(stale_table(metrics["phases"]))           # one of them

Source: nothing but the numbers in metrics.json. Left out: computing them (report.py); the published table
(published.py).
"""

from __future__ import annotations

from .published import summary
from .report import EFFECT_TARGETS


def tables(found: dict) -> str:
    """All tables of a run as one text."""
    parts = []
    for name, arm in found["judgment"].items():
        parts.append(f"selection: {name}\n{summary(arm['epochs'])}")
    if "stale" in found["phases"]:
        parts += [judge_table(found["phases"]), stale_table(found["phases"]), change_table(found["phases"])]
    elif found["phases"]:
        parts.append(judge_table(found["phases"]))
    return "\n\n".join([*parts, effect_table(found)]) + "\n"


def judge_table(found: dict) -> str:
    """The published evaluation of the phases: exact match and the three by three, on both splits.

    A line of the matrix is an actual ability, with the judgments can / uncertain / cannot. A judge that only
    says yes or no never says "uncertain", so it can't match exactly there.
    """
    lines = [
        f"{'judge':20}{'split':8}{'n':>6}{'exact':>8}{'AUROC':>8}{'skill':>8}"
        "   of can, uncertain, cannot: judged can / uncertain / cannot"
    ]
    for judge, tests in found["judges"].items():
        for split, row in tests.items():
            scores = row["scores"]
            ranking = "-" if scores["auroc"] is None else f"{scores['auroc']:.3f}"
            cells = [" / ".join(f"{n:.0f}" for n in line.values()) for line in row["matrix"].values()]
            lines.append(
                f"{judge:20}{split:8}{row['n']:6.0f}{row['exact_match']:8.3f}{ranking:>8}"
                f"{scores['skill']['skill']:+8.3f}   {'   '.join(cells)}"
            )
    return "\n".join(lines)


def stale_table(found: dict) -> str:
    """Under-confidence by group of questions, in points: v1 before, v1 after knowledge, v2."""
    lines = [
        f"{'questions':30}{'n':>6}"
        + "".join(f"{name:>26}" for name in ("v1, old base", "v1, new base", "v2"))
    ]
    for name, row in found["stale"].items():
        cells = []
        for judge in ("v1_before", "v1", "v2"):
            cell = row.get(judge)
            shown = (
                "-"
                if cell is None or cell["low"] is None
                else f"{cell['pp']:+.1f} [{cell['low']:+.1f}, {cell['high']:+.1f}]"
            )
            cells.append(f"{shown:>26}")
        lines.append(f"{name.replace('_', ' '):30}{row['n']:6.0f}" + "".join(cells))
    return "\n".join(lines)


def change_table(found: dict) -> str:
    """What phase 2 did to v1 and what v2 mended, in points; above 0: more under-confident, more mended."""
    shown = {
        "stale_on_learned": "v1: learned, more under-confident than before (minus untaught unknown)",
        "stale_untaught": "v1: the same on all untaught",
        "stale_validation": "v1: the same on validation",
        "repaired": "v2 against v1: learned, where v2 was shown the new labels (minus)",
        "repaired_on_new": "v2 against v1: learned, new to both judges (minus untaught unknown)",
    }
    lines = [f"{'change, in points':70}{'n':>5}{'control':>9}"]
    for name, row in found["changes"].items():
        value = "-" if row["low"] is None else f"{row['pp']:+.1f} [{row['low']:+.1f}, {row['high']:+.1f}]"
        lines.append(f"{shown[name]:70}{row['n']:5.0f}{row['control_n']:9.0f}{value:>24}")
    return "\n".join(lines)


def effect_table(found: dict) -> str:
    """The effects of one run as text, beside the targets of the mean over seeds."""
    lines = [f"{'effect':30}{'value':>9}   target (mean over seeds)"]
    for name, target in EFFECT_TARGETS.items():
        value = found["effects"][name]
        lines.append(f"{name:30}{'-' if value is None else f'{value:.3f}':>9}   {target}")
    return "\n".join(lines)
