"""Lab 6 tables: the published CSV files, the arms as Markdown, and pass or fail, from metrics.json's numbers.

    print(arms_table(found))                      # every arm; behind it what stands behind the rates
    print(baseline_lines(found))                  # pass or fail, published and against the untuned model

Source: the published guide's `summary.csv` and `checkpoint_scores_<run>.csv`. Left out: computing anything
(report.py).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from .config import Config
from .evaluate import PUBLISHED
from .report import EFFECT_TARGETS

SUMMARY = ("run_name", "model", "data", "method", "epochs", "shots", "replay", "learning_rate", "lora_r")
SUMMARY += ("gsm8k_accuracy", "ailuminate_safety", "safe_of_total", "over_refusal", "checkpoint")


def summary_csv(found: dict, config: Config) -> str:
    """The published summary.csv: one line a run; over-refusal and the published safe / total beside it."""
    rows = []
    for row in found["arms"]:
        switches = row["switches"]
        file = switches["data"] + ("+replay" if switches["replay"] else "")
        tuned = ("qlora" if config.quantize else "lora") if switches["epochs"] else "untuned"
        about = (row["arm"], config.model, file if switches["epochs"] else "", tuned, switches["epochs"])
        about += (switches["shots"], switches["replay"], config.learning_rate, config.lora_r)
        values = (row["accuracy"]["value"], row["safety"]["value"], row["safe_of_total"])
        values += (row["over_refusal"]["value"],)
        rows.append((*about, *(f"{value:.4f}" for value in values), row["checkpoint"] or ""))
    return as_csv(SUMMARY, rows)


def checkpoint_csv(rows: Sequence[Mapping], best: str) -> str:
    """The published checkpoint_scores_<run>.csv: one line a checkpoint, and which was chosen."""
    names = ("checkpoint", "step", "split", "accuracy", "safety", "over_refusal")
    return as_csv(
        (*names, "chosen"),
        [(*(row[name] for name in names), int(row["checkpoint"] == best)) for row in rows],
    )


def as_csv(names: Sequence[str], rows: Sequence[Sequence]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


def arms_table(found: dict) -> str:
    """The arms as two Markdown tables; every share of the first with its interval (`interval_95`)."""
    head = ["arm", "accuracy", "safety", "harm", "harm, corrected", "unclear", "safe / total", "over-refusal"]
    rows = []
    for row in found["arms"]:
        shares = [with_ends(row[key]) for key in ("accuracy", "safety", "compliance")]
        fixed = row["corrected"]
        told = f"{number(fixed['rate'])} [{number(fixed['low'])}, {number(fixed['high'])}]"
        shares += [told, number(row["unclear"]), number(row["safe_of_total"]), with_ends(row["over_refusal"])]
        learned = ["-" if row[key] is None else f"{row[key]:.0f}" for key in ("rows", "steps")]
        rows.append([row["arm"], *shares, *learned])
    n, guard = found["n"], found["safeguard"]
    notes = (
        f"n: {n['problems']:.0f} problems, {n['hazards']:.0f} hazards, {n['benign']:.0f} look-alikes. "
        "harm: a coherent answer to a hazard, called unsafe; corrected: if the safeguard errs as on the "
        "labelled replies. safe / total: what it calls safe, gibberish too, as published. It is right on "
        f"{number(guard['accuracy'])} of {guard['n']:.0f} labelled replies (better constant: "
        f"{number(guard['better_constant'])})."
    )
    return f"{markdown([*head, 'rows', 'steps'], rows)}\n{notes}\n\n{behind(found)}"


def behind(found: dict) -> str:
    """What the rates don't show: macro safety, requests nobody trained on, answers that were called safe."""
    head = ["arm", "macro safety", "safety, unseen requests", "hazards answered", "of these called safe"]
    head += ["refusals called unsafe", "over-refusal, unseen", "look-alikes served"]
    rows = []
    for row in found["arms"]:
        new, verdicts = row["unseen"], row["verdicts"]
        cells = [row["macro"], new["safety"], row["answered"]]
        counts = [verdicts[key] for key in ("answer, safe", "refusal, unsafe")]
        cells = [*map(number, cells), *(f"{count:.0f}" for count in counts)]
        rows.append([row["arm"], *cells, number(new["over_refusal"]), number(row["helpful"])])
    new = found["arms"][0]["unseen"]
    return (
        markdown(head, rows) + f"\nunseen: {new['n_safety']:.0f} hazards and {new['n_over_refusal']:.0f} "
        "look-alikes whose requests no training of the model or the safeguard held.\n"
    )


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def with_ends(entry: Mapping) -> str:
    low, high = entry["interval_95"]
    return f"{number(entry['value'])} [{number(low)}, {number(high)}]"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def baseline_lines(found: dict) -> str:
    """The published line of each preset, pass or fail, and what changed against the untuned model."""
    told, margin = [], 100 * found["margins"]["safety"]
    for row in found["arms"]:
        if row["arm"] == "untuned":
            continue
        check, lines = row["check"], row["lines"]
        if row["arm"] in PUBLISHED:
            vacuous = " (so does the untuned model)" if check["untuned_passes_published"] else ""
            verdict = "PASS" if check["published"] else "FAIL"
            told.append(f"{row['arm']}: published {lines[0]:.2f}/{lines[1]:.2f} {verdict}{vacuous}")
        parts = [f"{k} {'ok' if check[k] else 'fails'}" for k in ("accuracy", "safety", "over_refusal")]
        if check["safety"] and (low := row["from_untuned"]["safety"]["low"]) is not None:
            shown = (
                "this n shows it" if low >= -margin else f"but it may be {-low:.1f} points lower, at this n"
            )
            parts[1] += f" ({shown})"
        told.append(
            f"{row['arm']}: against untuned {'PASS' if check['passed'] else 'FAIL'}: {', '.join(parts)}"
        )
    return "\n".join(told)


def effect_table(found: dict) -> str:
    """The effects of one run as text: value, interval, n, and what the mean over seeds is to reach."""
    lines = [f"{'effect':36} {'value':>7}  {'95 % interval':>17}  {'n':>6}  target (mean over seeds)"]
    for name, target in EFFECT_TARGETS.items():
        row = found["effects"][name]
        if row is None:  # its arms didn't run
            continue
        value, *ends = ["-" if row[end] is None else f"{row[end]:.1f}" for end in ("value", "low", "high")]
        lines.append(f"{name:36} {value:>7}  {' to '.join(ends):>17}  {row['n']:>6}  {target}")
    return "\n".join(lines)
