"""Pairs of label strings with their gold relation: what the judge is trained on and scored against.

    {"a": "BOOL TAG", "b": "Read/Write gadget", "relation": "related", "split": "seen"}

Relations follow from `lexicon.txt`: same concept → same; same or kin type → related; else different; a
garbled string on either side → invalid. Labels come in the spellings that models and people produce.
"unseen" pairs are made only of labels that no "seen" pair has. Run: part of `python -m
grading.recipes.lab1 world`. Left out: relations between whole outputs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from .lexicon import KIN, WORLD_SEED, lexicon, relation

VERDICTS = {
    "same": "FULL_AGREEMENT",
    "related": "PARTIAL_AGREEMENT",
    "different": "DISAGREEMENT",
    "invalid": "INVALID",
}
SHARES = {"same": 0.3, "related": 0.27, "different": 0.28, "invalid": 0.15}
SIZES = {"seen": 1500, "unseen": 600}
JUNK = {  # words that garbled labels are made of
    "seen": "example block is a kind of the and value see page line example which in to".split(),  # noqa: SIM905
    "unseen": "figure note for with each case then between some there text list on it".split(),  # noqa: SIM905
}


def labels(side: str) -> list[tuple[str, str, str]]:
    """(label, type, concept) of the "seen" or the "unseen" side."""
    made = []
    for kind in lexicon().values():
        forms = kind.seen if side == "seen" else kind.unseen
        made += [(label, kind.key, concept) for concept, names in forms.items() for label in names]
    return made


def kin(one: str, two: str) -> bool:
    """Whether two types are close enough for "related"."""
    return frozenset({one, two}) in KIN


def label_rows() -> list[dict]:
    """Rows of `gadget_labels.jsonl`: every label with its type, concept ("" is the whole type) and side."""
    return [
        {"label": label, "type": kind, "concept": concept, "split": side}
        for side in ("seen", "unseen")
        for label, kind, concept in labels(side)
    ]


def spelled(label: str, rng: random.Random) -> str:
    """The label as somebody else might type it; still the same label."""
    ways = rng.choices(
        ("plain", "case", "joined", "gadget", "cut", "mark"), (0.4, 0.2, 0.13, 0.12, 0.07, 0.08)
    )[0]
    if ways == "case":
        return rng.choice((label.lower(), label.upper(), label.title()))
    if ways == "joined":
        return rng.choice(
            (label.replace("-", "").replace("/", ""), label.replace(" ", "-"), label.replace(" ", "_"))
        )
    if ways == "gadget":
        return label.replace(" gadget", "") if label.endswith(" gadget") else f"{label} gadget"
    if ways == "cut" and len(label) >= 12:
        return label[: -rng.randint(1, max(1, len(label) // 6))].rstrip()  # cut off, and still readable
    if ways == "mark":
        return rng.choice((f"{label}.", f'"{label}"', f"the {label}", f"a {label}"))
    return label


def garbled(side: str, rng: random.Random) -> str:
    """A string that names nothing: loops, salad, letters, scraps. One way is kept for the unseen side."""
    names = [label for label, _, _ in labels(side)]
    words = " ".join(rng.sample(names, 4)).replace("/", " ").split()
    way = rng.choice(
        ("loop", "salad", "letters", "scrap", "marks", *(("mixed",) if side == "unseen" else ()))
    )
    if way == "loop":
        return " ".join([rng.choice(words)] * rng.randint(3, 5))
    if way == "salad":
        row = rng.sample(words, 3) + rng.sample(JUNK[side], 4)
        rng.shuffle(row)
        return " ".join(row)
    if way == "letters":
        return "".join(rng.choice("aeioubcdklmnrstxz") for _ in range(rng.randint(5, 12)))
    if way == "scrap":
        return rng.choice(names)[: rng.randint(1, 3)]
    if way == "marks":
        return " ".join(
            rng.choice((";", ":", "/", "-", "0x", "{}", "location:")) for _ in range(rng.randint(1, 4))
        )
    one, two = rng.sample(words, 2)  # mixed: halves of two words run together
    return (
        one[: len(one) // 2]
        + two[len(two) // 2 :]
        + rng.choice(words)[:3].lower()
        + " "
        + rng.choice(words)[::-1]
    )


@dataclass(frozen=True)
class Named:
    """A string and the (type, concept) it names, None for garbage."""

    text: str
    place: tuple[str, str] | None


def pair(wanted: str, side: str, rng: random.Random) -> tuple[Named, Named]:
    """Two strings of `side` that stand in the wanted relation."""
    pool = labels(side)
    if wanted == "invalid":
        label, *place = rng.choice(pool)
        row = [Named(garbled(side, rng), None), Named(spelled(label, rng), tuple(place))]
        if rng.random() < 0.2:
            row[1] = Named(garbled(side, rng), None)
        rng.shuffle(row)
        return row[0], row[1]
    twice = wanted == "same" and rng.random() < 0.3  # one label, spelled twice
    across = wanted == "related" and rng.random() < 0.2  # of two kin types
    while True:
        a, b = [rng.choice(pool)] * 2 if twice else rng.sample(pool, 2)
        if relation(a[0], b[0]) == wanted and across == (wanted == "related" and a[1] != b[1]):
            return Named(spelled(a[0], rng), a[1:]), Named(spelled(b[0], rng), b[1:])


def pairs(side: str, seed: str) -> Iterator[tuple[str, Named, Named]]:
    """(relation, one, two) without end, relations drawn by `SHARES`."""
    rng = random.Random(f"{WORLD_SEED}/relations/{side}/{seed}")
    while True:
        wanted = rng.choices(list(SHARES), list(SHARES.values()))[0]
        yield wanted, *pair(wanted, side, rng)


def build_pairs() -> list[dict]:
    """Rows of `label_relations.jsonl`: every ordered pair of strings occurs once."""
    rows = []
    for side, count in SIZES.items():
        taken: set[tuple[str, str]] = set()
        for wanted, one, two in pairs(side, "data"):
            if len(taken) == count:
                break
            if (one.text, two.text) not in taken:
                taken.add((one.text, two.text))
                rows.append({"a": one.text, "b": two.text, "relation": wanted, "split": side})
    return rows
