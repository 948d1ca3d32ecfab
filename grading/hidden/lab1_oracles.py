"""What the functions of Lab 1 must give, computed by other means than a solution would use.

Exact fractions over all pairs of ratings, all joint outcomes of two models, all thresholds: slow and obvious.
Also inputs, made from the `rng` of one test and one submission, and texts with a known reading.
Left out: what mistakes give (lab1_blame.py) and the notebook's values (lab1_records.py).
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

Labels = list[str | None]
VERDICTS = ("FULL_AGREEMENT", "PARTIAL_AGREEMENT", "DISAGREEMENT", "INVALID")
NAN = float("nan")

WORDS = ("Jump", "Branch", "Loop", "Load", "Store", "Pointer", "Latch", "Timer", "Counter")
WORDS += ("Stack", "Gate", "Mask", "Shift", "Parser", "Table")


# ---- inputs ----


def pick(rng: np.random.Generator, items, count: int | None = None):
    """One of the items, or `count` different ones."""
    if count is None:
        return items[int(rng.integers(len(items)))]
    return [items[int(i)] for i in rng.choice(len(items), size=count, replace=False)]


def names(rng: np.random.Generator, count: int) -> list[str]:
    """`count` different normalised labels."""
    return [f"{word.lower()}{int(rng.integers(10, 99))}" for word in pick(rng, WORDS, count)]


def labels(rng: np.random.Generator, size: int, different: int, none_share: float = 0.2) -> Labels:
    known = names(rng, different)
    return [None if rng.random() < none_share else pick(rng, known) for _ in range(size)]


def two_raters(
    rng: np.random.Generator, size: int, classes: int, skill: float
) -> tuple[list[str], list[str]]:
    """Labels of two raters who share a truth; the second leans towards the first class."""
    known = names(rng, classes)
    a, b = [], []
    for _ in range(size):
        truth = pick(rng, known)
        a.append(truth if rng.random() < skill else pick(rng, known))
        b.append(truth if rng.random() < skill else known[0])
    return a, b


def many_raters(
    rng: np.random.Generator, items: int, raters: int, classes: int, skill: float
) -> list[list[str]]:
    known = names(rng, classes)
    rows = []
    for _ in range(items):
        truth = known[int(min(classes - 1, rng.geometric(0.6) - 1))]
        rows.append([truth if rng.random() < skill else pick(rng, known) for _ in range(raters)])
    return rows


# ---- agreement beyond chance ----


def beyond(observed: Fraction, expected: Fraction) -> float:
    return NAN if expected == 1 else float((observed - expected) / (1 - expected))


def cohen(a: list, b: list) -> float:
    """All n² pairs (item of a, item of b) give chance; the n own pairs give what is observed."""
    n = len(a)
    observed = Fraction(sum(x == y for x, y in zip(a, b, strict=True)), n)
    expected = Fraction(sum(x == y for x in a for y in b), n * n)
    return beyond(observed, expected)


def equal_pairs(rows: list[list]) -> Fraction:
    """Mean over the items of the share of equal pairs of ratings, pair by pair."""
    shares = []
    for row in rows:
        pairs = list(itertools.combinations(row, 2))
        shares.append(Fraction(sum(x == y for x, y in pairs), len(pairs)))
    return sum(shares, Fraction(0)) / len(shares)


def shares_of(rows: list[list]) -> dict:
    flat = [label for row in rows for label in row]
    return {label: Fraction(flat.count(label), len(flat)) for label in dict.fromkeys(flat)}


def fleiss(rows: list[list]) -> float:
    return beyond(equal_pairs(rows), sum((p * p for p in shares_of(rows).values()), Fraction(0)))


def ac1(rows: list[list], classes: int | None = None) -> float:
    shares = shares_of(rows)
    if len(shares) == 1:
        return 1.0
    spread = sum((p * (1 - p) for p in shares.values()), Fraction(0))
    return beyond(equal_pairs(rows), spread / ((classes or len(shares)) - 1))


def phi(a: list[bool], b: list[bool]) -> float:
    """Pearson's correlation of the two indicators, by moments."""
    x, y = np.array(a, dtype=float), np.array(b, dtype=float)
    if x.std() == 0 or y.std() == 0:
        return NAN
    return float(((x - x.mean()) * (y - y.mean())).mean() / (x.std() * y.std()))


def independent(p1: float, p2: float, classes: int) -> float:
    """Adds up the chances of all classes x classes outcomes of two models; class 0 is right."""

    def chance(p: float, outcome: int) -> float:
        return p if outcome == 0 else (1 - p) / (classes - 1)

    agree = [chance(p1, c) * chance(p2, c) for c in range(classes)]
    return agree[0] / sum(agree) if sum(agree) > 0 else NAN


def risk(confidence: list[float], correct: list[bool]) -> tuple[list[float], list[float]]:
    """Every item's confidence tried as a threshold."""
    points = {}
    for threshold in confidence:
        kept = [c for value, c in zip(confidence, correct, strict=True) if value >= threshold]
        points[len(kept)] = 1 - sum(kept) / len(kept)
    sizes = sorted(points)
    return [size / len(correct) for size in sizes], [points[size] for size in sizes]


# ---- votes and verdicts ----


def tally(answers: Labels) -> dict[str, int]:
    votes: dict[str, int] = {}
    for answer in answers:
        if answer is not None:
            votes[answer] = votes.get(answer, 0) + 1
    return votes


def vote(answers: Labels) -> dict:
    votes = tally(answers)
    top = max(votes.values(), default=0)
    tied = [label for label in votes if votes[label] == top]
    share = top / len(answers) if answers else 0.0
    label = tied[0] if tied else None
    return {"label": label, "votes": top, "n": len(answers), "share": share, "tie": len(tied) > 1}


def combined(ab: str | None, ba: str | None) -> dict:
    """Written out case by case."""
    same = ab is not None and ba is not None and ab == ba
    good = [verdict in ("FULL_AGREEMENT", "PARTIAL_AGREEMENT") for verdict in (ab, ba)]
    if same:
        verdict = ab
    elif all(good):
        verdict = "PARTIAL_AGREEMENT"
    else:
        verdict = None
    return {"verdict": verdict, "consistent": same, "semantic_agreement": all(good)}


def is_nan(value: object) -> bool:
    return isinstance(value, (float, np.floating)) and math.isnan(value)
