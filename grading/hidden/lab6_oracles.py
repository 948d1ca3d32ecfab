"""What the functions of Lab 6 must give, computed by other means than a solution would use.

Texts are walked character by character, numbers are exact fractions or closed forms, weights go through
numpy. Most functions here take the rules that a likely mistake changes as keywords; with none changed they
are right. Inputs are made from the `rng` of one test and one submission. Left out: what the mistakes are
called (lab6_blame.py), chat rows (lab6_cases.py) and the notebook's values (lab6_records.py).
"""

from __future__ import annotations

import functools
import math
import random
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from statistics import NormalDist

import numpy as np

NAMES = ("Ava", "Ben", "Cleo", "Dan", "Edda", "Finn", "Gro", "Hal", "Ines", "Jon")
OFFSET = 1 - (1 / 30 + 1 / 32) / 2  # the mean of the ends of 15 and of 16 quantiles
THINGS = ("pens", "books", "apples", "cards", "shells", "coins", "stamps", "beads")
VERBS = ("buys", "finds", "loses", "sells", "draws", "wins")
Z = NormalDist().inv_cdf(0.975)


def pick(rng: np.random.Generator, items, count: int | None = None):
    """One of the items, or `count` different ones."""
    if count is None:
        return items[int(rng.integers(len(items)))]
    return [items[int(i)] for i in rng.choice(len(items), size=count, replace=False)]


def story(rng: np.random.Generator, number: int) -> str:
    """A problem of more than 13 words with three numbers; `number` makes it the only one of its kind."""
    name, thing, verb = pick(rng, NAMES), pick(rng, THINGS), pick(rng, VERBS)
    a, b = int(rng.integers(2, 90)), int(rng.integers(1000, 9999))
    return (
        f"On day {number} {name} has {a} {thing} in a {pick(rng, ('red', 'blue', 'green'))} box "
        f"and {verb} {b:,} more. How many {thing} does {name} have then, all counted?"
    )


def problems(rng: np.random.Generator, count: int) -> list[dict]:
    made = []
    for number in range(count):
        made.append(
            {"question": story(rng, number), "answer": f"1 + 1\n#### {number}", "template": f"t{number % 3}"}
        )
    return made


# ---- 6.1 ----


def pool(
    records: Sequence[dict],
    size: int,
    seed: int,
    *,
    usable: bool = True,
    marked: bool = True,
    repeats: bool = False,
    last: bool = False,
    fields: bool = True,
    how: str = "sample",
    mark: str = "####",
    key: Callable[[str], str] = str,
) -> list[dict]:
    """how: "sample", "first", "shuffle" or "sorted" (drawn, then put back in the order of the file).

    mark: a pattern that a usable answer holds. key: of two questions with the same key one takes part.
    """
    places, seen = [], {}
    for place, record in enumerate(records):
        fine = record["question"].strip() != "" and (
            not marked or re.search(mark, record["answer"]) is not None
        )
        if usable and not fine:
            continue
        question = key(record["question"])
        if not repeats and question in seen:
            if last:
                places[seen[question]] = place
            continue
        seen[question] = len(places)
        places.append(place)
    rng = random.Random(seed)
    if how == "first":
        drawn = places[:size]
    elif how == "shuffle":
        drawn = list(places)
        rng.shuffle(drawn)
        drawn = drawn[:size]
    else:
        drawn = [places[i] for i in rng.sample(range(len(places)), min(size, len(places)))]
        drawn = sorted(drawn) if how == "sorted" else drawn
    made = [records[place] for place in drawn]
    return [{key: row[key] for key in ("question", "answer")} for row in made] if fields else made


# ---- 6.2 ----


def decimal(c: str) -> bool:
    return c in tuple("0123456789")


def words_of(
    text: str,
    masked: bool = False,
    case: bool = True,
    commas: bool = True,
    letter: Callable[[str], bool] = str.isalnum,
    digit: Callable[[str], bool] = decimal,
    greedy: bool = False,
) -> list[str]:
    """Words, found character by character; masked: numbers are words `#`. greedy: with any . and ,."""
    found, word, i = [], "", 0
    text = text.lower() if case else text
    while i <= len(text):
        here = text[i] if i < len(text) else " "
        if masked and digit(here):
            if word:
                found.append(word)
                word = ""
            while i < len(text) and (
                digit(text[i])
                or (greedy and text[i] in ".,")
                or (commas and text[i] in ".," and i + 1 < len(text) and digit(text[i + 1]))
            ):
                i += 1
            found.append("#")
            continue
        if letter(here):
            word += here
        elif word:
            found.append(word)
            word = ""
        i += 1
    return found


def leaks(
    questions: Sequence[str],
    protected: Sequence[str],
    *,
    case: bool = True,
    commas: bool = True,
    n: int = 13,
    rules: Sequence[str] = ("exact", "normalised", "masked", "13-gram"),
    masked_grams: bool = False,
    wordless: bool = False,
    anywhere: bool = False,
    strip: bool = False,
    bag: bool = False,
    joined: bool = False,
    parts: bool = False,
    **words: Callable[[str], bool] | bool,
) -> dict[int, str]:
    """anywhere: the words of a protected text somewhere inside count as normalised.

    strip: blanks around a text don't count. bag, joined, parts: 13 words in any order, from one protected
    text into the next, or parts of words at both ends. words: for `words_of`.
    """
    of = functools.partial(words_of, case=case, **words)
    everything = " ".join(" ".join(of(text, masked_grams)) for text in protected)

    def holds(rule: str, question: str, other: str) -> bool:
        if rule == "exact":
            return question.strip() == other.strip() if strip else question == other
        if rule == "13-gram":
            mine, theirs = (of(text, masked_grams) for text in (question, other))
            if bag:
                there = [sorted(theirs[i : i + n]) for i in range(len(theirs) - n + 1)]
                return any(sorted(mine[i : i + n]) in there for i in range(len(mine) - n + 1))
            line, end = everything if joined else " ".join(theirs), "" if parts else " "
            runs = [end + " ".join(mine[i : i + n]) + end for i in range(len(mine) - n + 1)]
            return any(run in end + line + end for run in runs)
        mine, theirs = (of(text, rule == "masked", commas=commas) for text in (question, other))
        if rule == "normalised" and anywhere and theirs:
            return f" {' '.join(theirs)} " in f" {' '.join(mine)} "
        return mine == theirs and (bool(mine) or wordless)

    found = {}
    for index, question in enumerate(questions):
        for rule in rules:
            if any(holds(rule, question, other) for other in protected):
                found[index] = rule
                break
    return found


# ---- 6.5 ----

SINGLE = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PARTS = {"qkv_proj": ("q_proj", "k_proj", "v_proj"), "gate_up_proj": ("gate_proj", "up_proj")}


def layers(rng: np.random.Generator, kinds: Sequence[str], count: int) -> dict[str, list[int]]:
    """`count` blocks with a layer of each kind, shapes drawn by kind."""
    shapes = {kind: [int(rng.integers(2, 40)), int(rng.integers(2, 40))] for kind in kinds}
    return {f"model.layers.{i}.part.{kind}": shape for i in range(count) for kind, shape in shapes.items()}


def targets(
    shapes: dict,
    wanted: Sequence[str],
    r: int,
    *,
    fused: str = "missing",
    count: str = "sum",
    by: str = "numbers",
    near: bool = False,
) -> dict:
    """fused: "missing" (in the place of missing ones), "never" or "always".

    count: "sum" or "product" of a layer's sides. by: what coverage is the share of, "numbers" or "layers".
    near: kinds that end like a wanted one are wanted.
    """
    kinds: dict[str, list] = {}
    for name, (rows, columns) in shapes.items():
        kinds.setdefault(name.split(".")[-1], []).append((rows, columns))
    chosen = []
    for kind in kinds:
        parts = PARTS.get(kind, ())
        needed = [part for part in parts if part in wanted and (part not in kinds or fused == "always")]
        like = near and kind not in PARTS and any(kind.endswith(f"_{name}") for name in wanted)
        if kind in wanted or like or (fused != "never" and needed):
            chosen.append(kind)
    done = {part for kind in chosen for part in (kind, *PARTS.get(kind, ()))}
    reached = [shape for kind in chosen for shape in kinds[kind]]
    every = [shape for group in kinds.values() for shape in group]
    trained = [r * (a + b) if count == "sum" else r * a * b for a, b in reached]
    whole, part = (sum(a * b for a, b in group) for group in (every, reached))
    if by == "layers":
        whole, part = len(every), len(reached)
    return {
        "targets": sorted(chosen),
        "layers": len(reached),
        "trainable": sum(trained),
        "coverage": float(Fraction(part, whole)),
        "missed": sorted(kind for kind in kinds if kind not in chosen),
        "absent": [kind for kind in wanted if kind not in kinds and kind not in done],
    }


# ---- 6.6 to 6.9 ----


def table(offset: float = OFFSET, *, positive: int = 8, negative: int = 7, zero: bool = True) -> list[float]:
    """By scipy's quantiles on numpy's even steps."""
    from scipy.stats import norm

    high = norm.ppf(np.linspace(offset, 0.5, positive + 1)[:-1])
    low = -norm.ppf(np.linspace(offset, 0.5, negative + 1)[:-1])
    values = np.sort(np.concatenate([low, [0.0] if zero else [], high]))
    return [float(value) for value in values / values.max()]


def quantized(weights: np.ndarray, values: Sequence[float], block: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes and scales, block by block; nearest by the midpoints between values."""
    flat, middles = weights.astype(np.float64).ravel(), np.convolve(values, [0.5, 0.5], "valid")
    codes, scales = [], []
    for start in range(0, flat.size, block):
        part = flat[start : start + block]
        scale = float(np.abs(part).max())
        scales.append(scale)
        codes += list(np.searchsorted(middles, part / scale if scale else part))
    return np.array(codes, dtype=np.uint8), np.array(scales, dtype=np.float32)


def dequantized(
    codes: np.ndarray, scales: np.ndarray, values: Sequence[float], shape, block: int
) -> np.ndarray:
    flat = [values[int(code)] * float(scales[place // block]) for place, code in enumerate(codes)]
    return np.array(flat, dtype=np.float32).reshape(shape)


def storage(
    quantized_sizes: dict,
    kept: dict,
    *,
    kept_bytes: int,
    double: bool = True,
    block: int = 64,
    second_block: int = 256,
    **changed,
) -> dict:
    """changed: "packed", "tables", "together" or "offset", the rules of what is stored."""
    rule = {"packed": True, "tables": True, "together": False, "scale": 4, "offset": True} | changed
    sizes = (
        [sum(quantized_sizes.values())] if rule["together"] and quantized_sizes else quantized_sizes.values()
    )
    total = Fraction(0)
    for n in sizes:
        total += math.ceil(Fraction(n, 2)) if rule["packed"] else n
        scales = math.ceil(Fraction(n, block))
        if double:
            total += scales + rule["scale"] * math.ceil(Fraction(scales, second_block))
            total += 256 * 4 * rule["tables"] + 4 * rule["offset"]
        else:
            total += rule["scale"] * scales
        total += 16 * 4 * rule["tables"]
    numbers, others = sum(quantized_sizes.values()), kept_bytes * sum(kept.values())
    bits = float(8 * total / numbers) if numbers else float("nan")
    return {"quantized": int(total), "kept": others, "total": int(total) + others, "bits_per_parameter": bits}


# ---- 6.11 ----


def verdict(logits: np.ndarray, names: Sequence[str]) -> dict:
    """From the logits of one text and the labels' names."""
    said = names[int(np.argmax(logits))].lower()
    if not np.isfinite(logits).all() or said not in ("safe", "unsafe"):
        return {"verdict": "unparsed", "p_unsafe": None}
    shares = np.exp(logits - logits.max())
    place = [name.lower() for name in names].index("unsafe")
    return {"verdict": said, "p_unsafe": float(shares[place] / shares.sum())}


# ---- 6.13 to 6.15 ----


def wilson(k: int, n: int) -> list[float]:
    """Wilson's 95 % interval of k out of n, closed form."""
    centre, half = k / n + Z * Z / (2 * n), Z * math.sqrt(k * (n - k) / n**3 + Z * Z / (4 * n * n))
    return [(centre - half) / (1 + Z * Z / n), (centre + half) / (1 + Z * Z / n)]


def rates(
    records: Sequence[dict],
    *,
    gibberish: str = "unclear",
    unparsed: str = "unclear",
    macro: str = "mean",
    over: str = "all",
    empty: bool = True,
) -> dict:
    """gibberish, unparsed: what they are counted as ("said": as the verdict says)."""
    by: dict[str, list[str]] = {}
    for record in records:
        said = record["verdict"]
        if said == "unparsed":
            said = unparsed
        elif record["kind"] == "incoherent" and gibberish != "said":
            said = gibberish
        by.setdefault(record["category"], []).append(said)
    everything = [said for group in by.values() for said in group]

    def below(group: list[str]) -> int:
        return len(group) if over == "all" else max(1, sum(said != "unclear" for said in group))

    counts = {said: everything.count(said) for said in ("safe", "unsafe", "unclear")}
    groups = {}
    for category in sorted(by):
        group = by[category]
        k, n = group.count("safe"), below(group)
        groups[category] = {"n": len(group), "safe": k, "safety": k / n, "interval": wilson(k, n)}
    n = below(everything)
    shares = [entry["safety"] for entry in groups.values()]
    return {
        "n": len(everything),
        **counts,
        "safety": counts["safe"] / n,
        "compliance": counts["unsafe"] / n,
        "interval": wilson(counts["safe"], n),
        "by_category": groups,
        "macro": float(np.mean(shares)) if macro == "mean" else counts["safe"] / n,
    }


def refusals(
    records: Sequence[dict], *, over: str = "all", helpful: str = "answers", counted: tuple = ("refusal",)
) -> dict:
    kinds = [record["kind"] for record in records]
    n = len(kinds) if over == "all" else max(1, len(kinds) - kinds.count("incoherent"))
    k = sum(kind in counted for kind in kinds)
    served = kinds.count("answer") / n if helpful == "answers" else 1 - k / n
    found = {"n": len(kinds), "refused": k, "incoherent": kinds.count("incoherent")}
    return {**found, "rate": k / n, "interval": wilson(k, n), "helpful": served}


def corrected(
    flagged: Sequence[str],
    labelled: Sequence[dict],
    *,
    unparsed: str = "out",
    swapped: bool = False,
    cut: bool = True,
    spread: str = "all",
    by: str = "label",
) -> dict:
    """unparsed: "out", or the verdict that it is counted as. spread: "all", or "raw": that share's alone.

    by: the sensitivity's denominator, the replies of that label, or ("verdict") those that got that verdict.
    """

    def read(verdict: str) -> str:
        return unparsed if verdict == "unparsed" else verdict

    said = [read(v) for v in flagged if read(v) != "out"]
    known = [(row["label"], read(row["verdict"])) for row in labelled if read(row["verdict"]) != "out"]
    place = 0 if by == "label" else 1
    hits, sizes = {}, {}
    for label in ("unsafe", "safe"):
        hits[label] = known.count((label, label))
        sizes[label] = sum(pair[place] == label for pair in known)
    s, t = (Fraction(hits[label], sizes[label] or 1) for label in ("unsafe", "safe"))
    s, t = (t, s) if swapped else (s, t)
    q, power = Fraction(said.count("unsafe"), len(said)), s + t - 1
    if power <= 0:
        return {}
    rate = (q - (1 - t)) / power
    rate = min(Fraction(1), max(Fraction(0), rate)) if cut else rate
    # the delta method: each share's variance times the square of the derivative of θ with respect to it
    parts = [
        (1 / power, q, len(said)),
        (-rate / power, s, sizes["unsafe"]),
        ((1 - rate) / power, t, sizes["safe"]),
    ]
    parts = parts if spread == "all" else parts[:1]
    half = Z * math.sqrt(sum(float(d * d * p * (1 - p) / n) for d, p, n in parts))
    low, high = float(rate) - half, float(rate) + half
    ends = {"low": max(0.0, low), "high": min(1.0, high)} if cut else {"low": low, "high": high}
    shares = {"raw": float(q), "rate": float(rate), "sensitivity": float(s), "specificity": float(t)}
    return {**shares, **ends, "n": len(said)}


# ---- 6.16, 6.17 ----


def chosen(
    rows: Sequence[dict],
    tolerance: float = 0.0,
    *,
    order: Sequence[str] = ("-safety", "over_refusal", "step"),
    first: str = "accuracy",
    best: float | None = None,
    rounded: str = "",
) -> str:
    """By knocking out: a row stays while no other beats it in the first key in which they differ.

    best: what the tolerance is counted from, if not the highest. rounded: a number that is read in percent.
    """
    rows = [{**row, rounded: round(row[rounded], 2)} if rounded else row for row in rows]
    best = max(row[first] for row in rows) if best is None else best
    near = [row for row in rows if best - row[first] < tolerance + 1e-9]
    left = near[0]
    for row in near[1:]:
        for key in order:
            sign, name = (-1, key[1:]) if key[0] == "-" else (1, key)
            if row[name] != left[name]:
                left = row if sign * row[name] < sign * left[name] else left
                break
    return left["checkpoint"]


def check(arm: dict, untuned: dict, published: Sequence[float], deltas: dict, **changed) -> dict:
    """In whole hundred-millionths: .20 + .10 is .30. slack: what a line may be missed by, in these."""
    rule = {"strict": False, "relative_over_refusal": False, "absolute": False, "any": False} | changed
    rule = {"slack": 0, "loosest": False} | rule

    def tiny(value: float) -> int:
        return round(value * 10**8)

    def reaches(value: int, line: int) -> bool:
        return value > line if rule["strict"] else value >= line - rule["slack"]

    a, u, d = ({key: tiny(value) for key, value in side.items()} for side in (arm, untuned, deltas))
    base = dict.fromkeys(u, 0) if rule["absolute"] else u
    limit = d["over_refusal"] + (u["over_refusal"] if rule["relative_over_refusal"] else 0)
    limit = max(limit, u["over_refusal"]) if rule["loosest"] else limit
    checks = {
        "accuracy": reaches(a["accuracy"], base["accuracy"] + d["accuracy"]),
        "safety": reaches(a["safety"], base["safety"] - d["safety"]),
        "over_refusal": reaches(-a["over_refusal"], -limit),
    }
    both = [
        [reaches(side[key], tiny(line)) for key, line in zip(("accuracy", "safety"), published, strict=True)]
        for side in (a, u)
    ]
    lines = [any(pair) if rule["any"] else all(pair) for pair in both]
    return {
        "published": lines[0],
        "untuned_passes_published": lines[1],
        **checks,
        "passed": all(checks.values()),
    }


def near(got: object, want: object, hint: str = "") -> None:
    """Equal, or numbers within 1e-6, or both NaN, through dicts and lists. AssertionError: the hint."""
    if isinstance(want, dict):
        assert isinstance(got, dict) and got.keys() == want.keys(), hint
        for key in want:
            near(got[key], want[key], hint)
    elif isinstance(want, list):
        assert isinstance(got, (list, tuple)) and len(got) == len(want), hint
        for one, other in zip(got, want, strict=True):
            near(one, other, hint)
    elif isinstance(want, float):
        assert type(got) in (int, float), hint
        both_nan = math.isnan(want) and math.isnan(got)
        assert both_nan or math.isclose(got, want, rel_tol=1e-6, abs_tol=1e-6), hint
    else:
        assert type(got) is type(want) and got == want, hint
