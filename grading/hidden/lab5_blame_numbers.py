"""What likely mistakes of Lab 5's metrics (5.10 to 5.16) give, by the words that name them.

Each is an oracle (lab5_oracles.py) with one of its rules changed. Left out: texts, labels, selections and the
merge (lab5_blame.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import lab5_oracles as oracle
from .lab5_oracles import ABILITIES

CUTS = {
    "p = 1 belongs to the last part, not to one of its own": "one alone",
    "the end of a part belongs to the part above it: use int(p * bins)": "below",
    "rounded ends (linspace) put some items a part lower: use int(p * bins)": "linspace",
}


def auroc_mistakes(scores: Sequence[float], labels: Sequence[bool]) -> dict[str, float]:
    both = 0 < sum(labels) < len(labels)
    right = oracle.pairs(scores, labels)
    return {
        "ties count one half; here they count nothing": oracle.pairs(scores, labels, 0.0),
        "ties count one half; here they count as won": oracle.pairs(scores, labels, 1.0),
        "equal scores must share their mean rank; the order of the list decided": oracle.ranks_as_sorted(
            scores, labels
        ),
        "without positives or negatives it isn't defined: NaN, not one half": right if both else 0.5,
        "without positives or negatives it isn't defined: NaN, not zero": right if both else 0.0,
        "scores were rounded: only equal numbers are tied": oracle.pairs(
            [round(s, 6) for s in scores], labels
        ),
        "scores were rounded to three decimals: only equal numbers are tied": oracle.pairs(
            [round(s, 3) for s in scores], labels
        ),
        "float32 makes ties that aren't there: keep float64": oracle.pairs(
            np.asarray(scores, np.float32).tolist(), labels
        ),
        "the ranking is upside down: a larger score means more likely positive": 1 - right,
    }


def _ece(values, outcomes, bins, weigh) -> float:
    return float(
        sum(
            weigh(len(p)) * abs(float(y.mean()) - float(p.mean()))
            for _, p, y in oracle.parts(values, outcomes, bins)
        )
    )


def calibration_mistakes(
    values: Sequence[float], outcomes: Sequence[bool], bins: int = 10
) -> dict[str, float]:
    """ECE of each mistake."""
    n, found = len(outcomes), oracle.parts(values, outcomes, bins)
    filled = {k for k, _, _ in found}
    empty = sum((k + 0.5) / bins for k in range(bins) if k not in filled) / bins
    order = np.argsort(np.asarray(values), kind="stable")
    y, p = np.asarray(outcomes, float)[order], np.asarray(values, float)[order]
    mass = sum(
        len(i) / n * abs(y[i].mean() - p[i].mean()) for i in np.array_split(np.arange(n), bins) if len(i)
    )
    middle = sum(len(q) / n * abs(float(t.mean()) - (k + 0.5) / bins) for k, q, t in found)
    unweighted = [abs(float(t.mean()) - float(q.mean())) for _, q, t in found]
    below = [(a, b) for a, b in zip(values, outcomes, strict=True) if a < 1]
    cut = _ece(*zip(*below, strict=True), bins, lambda m: m / n) if below else 0.0
    return {
        "the parts were averaged without weights; weigh each by its items": sum(unweighted) / len(unweighted),
        "empty parts were counted: divide by the items, not by the number of parts": sum(unweighted) / bins,
        "an empty part has no accuracy, and adds nothing": _ece(values, outcomes, bins, lambda m: m / n)
        + empty,
        "p = 1 belongs to the last part; those items were lost": cut,
        "the middle of a part isn't its confidence; take the mean probability": middle,
        "parts have equal width, not equally many items": float(mass),
        "that is the largest distance; ECE is the mean over items": max(unweighted),
        "that is the distance of the overall means": abs(float(np.mean(outcomes)) - float(np.mean(values))),
        "10 parts were used whatever bins says": oracle.table(values, outcomes, 10)["ece"],
        **{words: oracle.table(values, outcomes, bins, cut)["ece"] for words, cut in CUTS.items()},
    }


def brier_mistakes(values: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> dict[str, dict]:
    right, n = oracle.decomposed(values, outcomes, bins), len(outcomes)
    found, base = oracle.parts(values, outcomes, bins), float(np.mean(outcomes))
    means = sum((p.mean() - t) ** 2 for _, p, y in found for t in y) / n

    def other(**changed) -> dict:
        made = {**right, **changed}
        rest = made["brier"] - (made["reliability"] - made["resolution"] + made["uncertainty"])
        return {**made, "within": rest}

    distinct = oracle.decomposed(values, outcomes, 10_000)
    return {
        "the score comes from the items, not from the means of the parts": other(brier=float(means)),
        "the rest within the parts was forgotten": {**right, "within": 0.0},
        "what is left within the parts may be negative; it was made positive": {
            **right,
            "within": abs(right["within"]),
        },
        "what is left within the parts may be negative; it was cut off at 0": {
            **right,
            "within": max(right["within"], 0.0),
        },
        **{words: oracle.decomposed(values, outcomes, bins, cut) for words, cut in CUTS.items()},
        "every different probability became a part of its own; use int(p * bins)": distinct,
        "the parts weren't weighed by their items": other(
            reliability=float(np.mean([(p.mean() - y.mean()) ** 2 for _, p, y in found])),
            resolution=float(np.mean([(y.mean() - base) ** 2 for _, _, y in found])),
        ),
        "uncertainty is o (1 - o) of all items, not 1/4": other(uncertainty=0.25),
        "resolution compares the parts with the overall share, not with one half": other(
            resolution=float(sum(len(y) * (y.mean() - 0.5) ** 2 for _, _, y in found) / n)
        ),
        "reliability and resolution are exchanged": {
            **right,
            "reliability": right["resolution"],
            "resolution": right["reliability"],
        },
        "distances must be squared": other(
            reliability=float(sum(len(p) * abs(p.mean() - y.mean()) for _, p, y in found) / n)
        ),
    }


def confusion_mistakes(predicted: Sequence[str | None], actual: Sequence[str]) -> dict[str, dict]:
    right, n = oracle.confusion(predicted, actual), len(actual)
    read = [(p, a) for p, a in zip(predicted, actual, strict=True) if p is not None]
    turned = {a: {b: right["matrix"][b][a] for b in ABILITIES} for a in ABILITIES}
    made = {
        "rows are the actual ability; the matrix is turned over": {**right, "matrix": turned},
        "an unread judgment became cannot; it stands in no cell": {
            **oracle.confusion(["cannot" if p is None else p for p in predicted], actual),
            "unparsed": right["unparsed"],
        },
        "cells without items are missing; all nine are asked for": {
            **right,
            "matrix": {
                a: {b: c for b, c in row.items() if c}
                for a, row in right["matrix"].items()
                if any(row.values())
            },
        },
        "shares were given as counts": {
            **right,
            "predicted": {a: float(round(s * n)) for a, s in right["predicted"].items()},
        },
    }
    if read:
        only = oracle.confusion([p for p, _ in read], [a for _, a in read])
        words = "unread judgments were left out of the denominators; n is all items"
        made[words] = {**right, "exact_match": only["exact_match"], "predicted": only["predicted"]}
        share = {a: s * n / len(read) for a, s in right["actual"].items()}
        words = "unread judgments were left out of all denominators; n is all items"
        made[words] = {
            **right,
            "exact_match": only["exact_match"],
            "predicted": only["predicted"],
            "actual": share,
        }
        made["unread judgments were left out altogether; they count in n"] = {
            **only,
            "unparsed": right["unparsed"],
        }
    return made


def selective_mistakes(confidence: Sequence[float], correct: Sequence[bool]) -> dict[str, list[float]]:
    right = oracle.selective(confidence, correct)
    ends = [
        max(i for i in range(len(right)) if _at(confidence, i) == _at(confidence, k))
        for k in range(len(right))
    ]
    return {
        "equal confidences were taken in the order of the list; a tie counts with its share": oracle.listed(
            confidence, correct
        ),
        "inside a tie the right ones came first": oracle.listed(confidence, correct, True),
        "the least sure items were answered first": oracle.selective([-c for c in confidence], correct),
        "that is the risk; accuracy is 1 minus it": [1 - value for value in right],
        "confidences were rounded: only equal ones are a tie": oracle.selective(
            [round(c, 2) for c in confidence], correct
        ),
        "confidences were rounded, or compared by closeness: only equal ones are a tie": oracle.selective(
            [round(c, 6) for c in confidence], correct
        ),
        "a negative confidence is less sure than a positive one: no absolute value": oracle.selective(
            [abs(c) for c in confidence], correct
        ),
        "a tie was answered as a whole: every place in it got the accuracy at its end": [
            right[i] for i in ends
        ],
        "counts were given, not shares": [value * (k + 1) for k, value in enumerate(right)],
    }


def _at(confidence: Sequence[float], place: int) -> float:
    return sorted(confidence, reverse=True)[place]


def skill_mistakes(said: Sequence[bool], correct: Sequence[bool]) -> dict[str, dict]:
    right, n = oracle.skill(said, correct), len(correct)
    yes = list(said).count(True) / n

    def against(constant: float) -> dict:
        return {**right, "constant": constant, "skill": right["accuracy"] - constant}

    chance = yes * right["qa_accuracy"] + (1 - yes) * (1 - right["qa_accuracy"])
    wrong, hits = 1 - right["qa_accuracy"], right["qa_accuracy"]
    exchanged = {"overconfident": right["underconfident"], "underconfident": right["overconfident"]}
    return {
        "one half isn't the constant; the better of always yes and always no is": against(0.5),
        "always no isn't always the better constant": against(wrong),
        "always yes isn't always the better constant": against(hits),
        "the constant depends on the answers, not on how often the judge says yes": against(
            max(yes, 1 - yes)
        ),
        "chance agreement was subtracted; the better constant was asked for": against(chance),
        "overconfident and underconfident are exchanged": {**right, **exchanged},
        "overconfident and underconfident are shares of all items": {
            **right,
            "overconfident": right["overconfident"] / wrong if wrong else 0.0,
            "underconfident": right["underconfident"] / hits if hits else 0.0,
        },
        "shares were rounded to three decimals; leave them as they are": {
            words: round(value, 3) for words, value in right.items()
        },
        "constant and skill were rounded; leave shares as they are": {
            **right,
            "constant": round(right["constant"], 3),
            "skill": round(right["skill"], 3),
        },
        "a negative skill stays negative": {**right, "skill": max(right["skill"], 0.0)},
    }


def history_mistakes(judgments, labels) -> dict[str, dict]:
    right = oracle.history(judgments, labels)
    said, was = np.asarray(judgments, bool), np.asarray(labels, bool)
    before = was[[0, *range(len(was) - 1)]]
    return {
        "frozen labels are those of epoch 0; the last epoch's were used": {
            **right,
            "frozen": (said == was[-1]).mean(axis=1).tolist(),
        },
        "moved is the distance from epoch 0, not from the epoch before": {
            **right,
            "moved": (was != before).mean(axis=1).tolist(),
        },
        "refreshed labels are those of the same epoch, not of the one before": {
            **right,
            "refreshed": (said == before).mean(axis=1).tolist(),
        },
        "the judgments of epoch 0 were compared; labels are frozen, not judgments": {
            **right,
            "frozen": (said[0] == was).mean(axis=1).tolist(),
        },
        "moved counts labels that differ, not those that stayed": {
            **right,
            "moved": (was == was[0]).mean(axis=1).tolist(),
        },
        "frozen and refreshed are exchanged": {
            **right,
            "frozen": right["refreshed"],
            "refreshed": right["frozen"],
        },
    }
