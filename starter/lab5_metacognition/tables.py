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
    """The published evaluation of the phases: the three by three and its exact matches, on both splits.

    The last three columns hold the questions it can, may and can't answer, by what the judge said of them:
    can / uncertain / cannot. A judge that says yes or no alone never says "uncertain": it has no exact match
    to speak of, and its cells are can / cannot.
    """
    rows = [row for tests in found["judges"].values() for row in tests.values()]
    binary = not any(line["uncertain"] for row in rows for line in row["matrix"].values())
    said = ("can", "cannot") if binary else ("can", "uncertain", "cannot")
    lines = [f"{'judge':19}{'split':6}{'n':>5}{'AUROC':>7}{'skill':>8}" + ("" if binary else f"{'exact':>7}")]
    lines[0] += "".join(f"{name:>13}" for name in ("can", "uncertain", "cannot")) + f"   ({' / '.join(said)})"
    for judge, tests in found["judges"].items():
        for split, row in tests.items():
            scores = row["scores"]
            ranking = "-" if scores["auroc"] is None else f"{scores['auroc']:.3f}"
            start = f"{judge:19}{split:6}{row['n']:5.0f}{ranking:>7}{scores['skill']['skill']:+8.3f}"
            exact = "" if binary else f"{row['exact_match']:7.3f}"
            cells = [" / ".join(f"{line[word]:.0f}" for word in said) for line in row["matrix"].values()]
            lines.append(start + exact + "".join(f"{cell:>13}" for cell in cells))
    return "\n".join(lines)


def stale_table(found: dict) -> str:
    """Under-confidence by group of questions, in points: v1 before, v1 after knowledge, v2."""
    lines = [
        f"{'questions':29}{'n':>5}"
        + "".join(f"{name:>22}" for name in ("v1, old base", "v1, new base", "v2"))
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
            cells.append(f"{shown:>22}")
        lines.append(f"{name.replace('_', ' '):29}{row['n']:5.0f}" + "".join(cells))
    return "\n".join(lines)


def change_table(found: dict) -> str:
    """What phase 2 did to v1 and what v2 mended, in points; above 0: more under-confident, more mended."""
    shown = {
        "stale_on_learned": "v1 more under-confident: learned - untaught unknown",
        "stale_untaught": "v1 more under-confident: untaught",
        "stale_validation": "v1 more under-confident: validation",
        "repaired": "v2 mends: learned - untaught unknown, in training",
        "repaired_on_new": "v2 mends: learned - untaught unknown",
    }
    lines = [f"{'change':52}{'n':>5}{'control':>9}{'points':>23}"]
    for name, row in found["changes"].items():
        value = "-" if row["low"] is None else f"{row['pp']:+.1f} [{row['low']:+.1f}, {row['high']:+.1f}]"
        control = f"{row['control_n']:.0f}" if row["control_n"] else "-"
        lines.append(f"{shown[name]:52}{row['n']:5.0f}{control:>9}{value:>23}")
    return "\n".join(lines)


def effect_table(found: dict) -> str:
    """The effects of one run as text, beside the targets of the mean over seeds."""
    lines = [f"{'effect':30}{'value':>9}   target (mean over seeds)"]
    for name, target in EFFECT_TARGETS.items():
        value = found["effects"][name]
        lines.append(f"{name:30}{'-' if value is None else f'{value:.3f}':>9}   {target}")
    return "\n".join(lines)
