"""What the functions of Lab 2 must give, computed by other means than a solution would use.

Numbers by counting whole populations, exact fractions and enumeration; texts are put together here from parts
with a known reading. Inputs are made from the `rng` of one test and one submission. Left out: what mistakes
give (lab2_blame.py), chat rows (lab2_cases.py) and the notebook's values (lab2_records.py).
"""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np

NAN = float("nan")
Answers = list[bool | None]

THINGS = ("lama", "bus", "violin", "lake", "tower", "ferry", "whale", "kite", "piano", "bridge")
MEASURES = ("heavier", "taller", "older", "deeper", "longer")


# ---- inputs ----


def pick(rng: np.random.Generator, items, count: int | None = None):
    """One of the items, or `count` different ones."""
    if count is None:
        return items[int(rng.integers(len(items)))]
    return [items[int(i)] for i in rng.choice(len(items), size=count, replace=False)]


def question(rng: np.random.Generator) -> str:
    a, b = pick(rng, THINGS, 2)
    return f"Is the {a} {pick(rng, MEASURES)} than the {b}?"


def reason(rng: np.random.Generator) -> str:
    """A reason without a yes, a no, or a question mark in it."""
    thing = pick(rng, THINGS)
    return f"the {thing} measures {int(rng.integers(2, 900))} m, for all I see"


def answers(rng: np.random.Generator, size: int, none_share: float = 0.2) -> Answers:
    return [None if rng.random() < none_share else bool(rng.random() < 0.5) for _ in range(size)]


def flags(rng: np.random.Generator, size: int, share: float = 0.5) -> list[bool]:
    """Both classes occur."""
    while True:
        made = [bool(rng.random() < share) for _ in range(size)]
        if len(set(made)) == 2:
            return made


def outputs(rng: np.random.Generator, size: int) -> list[dict]:
    """A teacher's outputs of every kind, with fields that are to be ignored."""
    while True:
        gold, said = flags(rng, size), answers(rng, size, 0.15)
        kinds = set(zip(gold, said, strict=True))
        if len(kinds) == 6:
            return [
                {"qid": f"q{i}", "answer": g, "teacher_answer": s, "kept": "?"}
                for i, (g, s) in enumerate(zip(gold, said, strict=True))
            ]


# ---- the filter ----


def share(part: int, whole: int) -> float:
    return float(Fraction(part, whole)) if whole else NAN


def quality(records: list[dict]) -> dict:
    """By walking through the records one at a time."""
    table = {(g, s): 0 for g in (True, False) for s in (True, False, None)}
    for record in records:
        table[record["answer"], record["teacher_answer"]] += 1
    yes, no = (sum(table[g, s] for s in (True, False, None)) for g in (True, False))
    kept = table[True, True] + table[False, False]
    return {
        "n": yes + no,
        "unparsed": table[True, None] + table[False, None],
        "wrong": table[True, False] + table[False, True],
        "kept": kept,
        "recall_yes": share(table[True, True], yes),
        "recall_no": share(table[False, False], no),
        "prior_yes": share(yes, yes + no),
        "kept_prior_yes": share(table[True, True], kept),
    }


def prior_kept(prior: float, yes: float, no: float) -> float:
    """Exact fractions of a population of one: what is kept of it, and how much of that is yes."""
    p, a, b = Fraction(prior), Fraction(yes), Fraction(no)
    kept = p * a + (1 - p) * b
    return float(p * a / kept) if kept else NAN


def log_odds(share_: float) -> float:
    """By the inverse: the x at which 1 / (1 + exp(-x)) is the share, found by halving."""
    low, high = -60.0, 60.0
    for _ in range(200):
        middle = (low + high) / 2
        inverse = math.exp(middle) / (1 + math.exp(middle))
        low, high = (middle, high) if inverse < share_ else (low, middle)
    return (low + high) / 2


def weights(labels: list[bool], prior: float) -> list[float]:
    n = len(labels)
    wanted = {True: Fraction(prior), False: 1 - Fraction(prior)}
    return [float(wanted[label] / Fraction(labels.count(label), n)) for label in labels]


# ---- LoRA ----

KINDS = ("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "gate_up_proj", "up_proj", "down_proj", "fc1")


def layers(rng: np.random.Generator, kinds, count: int) -> dict[str, tuple[int, int]]:
    """Names and shapes of `count` blocks with these kinds of layers."""
    sizes = {kind: (int(rng.integers(4, 90)), int(rng.integers(4, 90))) for kind in kinds}
    place = {kind: pick(rng, ["self_attn", "mlp"]) for kind in kinds}
    return {f"model.layers.{i}.{place[kind]}.{kind}": sizes[kind] for i in range(count) for kind in kinds}


def coverage(shapes: dict, targets: list[str], r: int) -> dict:
    """By splitting each name at its dots: a target is the last few parts of a name, or all of them."""

    def hit(name: str, target: str) -> bool:
        parts, wanted = name.split("."), target.split(".")
        return parts[len(parts) - len(wanted) :] == wanted if len(wanted) <= len(parts) else False

    kinds: dict[str, dict] = {}
    for name, shape in shapes.items():
        kind = kinds.setdefault(name.rpartition(".")[2], {"modules": 0, "reached": 0, "trainable": 0})
        kind["modules"] += 1
        if any(hit(name, target) for target in targets):
            kind["reached"] += 1
            kind["trainable"] += r * shape[1] + shape[0] * r  # A is r x in, B is out x r
    return {
        "kinds": kinds,
        "trainable": sum(kind["trainable"] for kind in kinds.values()),
        "missed": sorted(name for name, kind in kinds.items() if kind["reached"] != kind["modules"]),
        "unmatched": [target for target in targets if not any(hit(name, target) for name in shapes)],
    }


# ---- evaluation ----


def agreed(said: Answers) -> bool | None:
    votes = [said.count(True), said.count(False)]
    if max(votes, default=0) > len(said) - max(votes, default=0):
        return votes[0] > votes[1]
    return None


def scores(predictions: Answers, gold: list[bool]) -> dict:
    """Item by item; the correlation is Pearson's of the two 0/1 columns of the parsed items."""
    n = len(gold)
    right = [p is not None and p == g for p, g in zip(predictions, gold, strict=True)]
    read = [(p, g) for p, g in zip(predictions, gold, strict=True) if p is not None]
    hits = {side: [r for r, g in zip(right, gold, strict=True) if g is side] for side in (True, False)}
    recalls = [share(sum(hits[side]), len(hits[side])) for side in (True, False)]
    return {
        "n": n,
        "parsed": len(read),
        "parse_rate": share(len(read), n),
        "yes_rate": share(sum(p for p, _ in read), n),
        "no_rate": share(sum(not p for p, _ in read), n),
        "accuracy": share(sum(right), n),
        "accuracy_parsed": share(sum(right), len(read)),
        "recall_yes": recalls[0],
        "recall_no": recalls[1],
        "balanced_accuracy": sum(recalls) / 2,
        "mcc": pearson(read),
        "majority": share(max(gold.count(True), gold.count(False)), n),
    }


def pearson(pairs: list[tuple[bool, bool]]) -> float:
    if len({p for p, _ in pairs}) < 2 or len({g for _, g in pairs}) < 2:
        return NAN
    columns = np.array(pairs, dtype=float)
    return float(np.corrcoef(columns.T)[0, 1])


def coin_p(b: int, c: int) -> float:
    """Every outcome of b + c coins that is no more likely than this one, counted in whole numbers."""
    n = b + c
    ways = [1]
    for k in range(n):
        ways.append(ways[-1] * (n - k) // (k + 1))
    return float(Fraction(sum(way for way in ways if way <= ways[b]), 2**n))


def wilson(k: int, n: int) -> list[float]:
    """The two shares at which the score test of k out of n gives just the 95 % quantile, by halving."""
    z, p = NormalDist().inv_cdf(0.975), k / n

    def distance(share_: float) -> float:
        return (p - share_) ** 2 - z * z * share_ * (1 - share_) / n

    ends = []
    for outer in (0.0, 1.0):
        inside, outside = p, outer
        if distance(outer) <= 0 or k == (0 if outer == 0.0 else n):
            ends.append(outer)
            continue
        for _ in range(200):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if distance(middle) <= 0 else (inside, middle)
        ends.append(inside)
    return ends


def is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def near(got: object, want: object, hint: str = "") -> None:
    """Equal, or numbers within 1e-9, or both NaN, through dicts. Raises AssertionError: the hint."""
    if isinstance(want, dict):
        assert isinstance(got, dict) and got.keys() == want.keys(), hint
        for key in want:
            near(got[key], want[key], hint)
    elif isinstance(want, float):
        assert type(got) in (int, float), hint
        both_nan = math.isnan(want) and math.isnan(got)
        assert both_nan or math.isclose(got, want, rel_tol=1e-9, abs_tol=1e-9), hint
    else:
        assert type(got) is type(want) and got == want, hint
