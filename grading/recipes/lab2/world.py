"""A small world of lakes, towers, ships and animals with numbers, and yes/no questions about two of them.

An attribute is a block of `relations.txt`. Every question asks whether the first of two things has *more* of
something, so Yes always means that the first number is larger. One record:

    {"qid": "c1d0…", "question": "Is Lake Tisk deeper than Lake Orlo?", "answer": false,
     "facts": ["Lake Tisk is 45 m deep.", "Lake Orlo is 62 m deep."],
     "steps": [both facts, "45 is less than 62."],
     "decomposition": ["How deep is Lake Tisk?", "How deep is Lake Orlo?", "Is #1 more than #2?"],
     "entities": ["Lake Tisk", "Lake Orlo"], "attribute": "depth", "split": "test"}

Run: `python -m grading.recipes.lab2 world`. Staff only: the world isn't released, only questions about it.
Left out: equal numbers, and questions where less means Yes.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "data" / "lab2_distillation"
WORLD_SEED = 20_261_121
KINDS = {"lake": "Lake {}", "tower": "the {} Tower", "ship": "the ship {}", "animal": "the {}"}
ENTITIES = {"train": 10, "validation": 5, "test": 21}  # of each kind; no entity is on two sides
QUESTIONS = {"train": 600, "validation": 200, "test": 1200}
YES = 0.46  # about StrategyQA's share
SMALLEST, LARGEST = 10, 99  # every number has two digits
GAP = 3  # two numbers of a question differ by at least this


@dataclass(frozen=True)
class Attribute:
    """One number of one kind of thing, and the words for it."""

    key: str
    kind: str
    name: str
    comparative: str
    adjective: str
    fact: str
    questions: tuple[str, ...]
    wordings: tuple[str, ...]


@dataclass(frozen=True)
class Relation:
    """A comparison: the attribute of the first and of the second thing, and the questions that ask for it."""

    name: str
    first: Attribute
    second: Attribute
    questions: tuple[str, ...]
    topic: str
    words: tuple[str, ...]


@cache
def _blocks() -> tuple[tuple[str, list[str], dict[str, list[str]]], ...]:
    text = re.sub(r"^#.*\n", "", (HERE / "relations.txt").read_text(encoding="utf-8"), flags=re.M)
    found = []
    for block in re.split(r"^== ", text, flags=re.M)[1:]:
        head, *lines = [line for line in block.strip().splitlines() if line.strip()]
        key, *words = (part.strip() for part in head.split("|"))
        by_sign: dict[str, list[str]] = {sign: [] for sign in "=?+>~"}
        for line in lines:
            if line[0] not in by_sign:
                raise ValueError(f"relation {key!r}: a line must start with one of = ? + > ~, found {line!r}")
            by_sign[line[0]].append(line[2:])
        found.append((key, words, by_sign))
    return tuple(found)


@cache
def attributes() -> dict[str, Attribute]:
    """Every attribute by its key, `lake.depth`."""
    made = {}
    for key, words, lines in _blocks():
        if "/" not in key:
            comparative, adjective = [*words, ""][:2]
            sentences = lines["="][0], tuple(lines["?"]), tuple(lines["+"])
            made[key] = Attribute(key, *key.split("."), comparative, adjective, *sentences)
    return made


@cache
def relations() -> tuple[Relation, ...]:
    """Every comparison, those of one kind and those of two."""
    made = []
    for key, _, lines in _blocks():
        first, _, second = (part.strip() for part in key.partition("/"))
        one, two = attributes()[first], attributes()[second or first]
        name = one.name if not second else f"{one.name}/{two.name}"
        topic, _, words = lines["~"][0].partition(" | ")
        made.append(Relation(name, one, two, tuple(lines[">"]), topic, tuple(words.split(", "))))
    return tuple(made)


# ---- the things ----

ONSETS = "b br d dr f fl g gr h j k kl l m n p pr r s sk st t tr v w z".split()  # noqa: SIM905
VOWELS = "a e i o u".split()  # noqa: SIM905
MIDDLES = "b d f g k l ld lk lm m mb n nd nk nt p r rd rg rk rl rm rn rv s sk st t v x z".split()  # noqa: SIM905
ENDS = "a e i o u an el en er ik in is ok on or um us".split()  # noqa: SIM905
ENGLISH = set(
    [
        "better",
        "bitter",
        "butter",
        "dinner",
        "finger",
        "former",
        "hidden",
        "linen",
        "melon",
        "number",
        "order",
        "paper",
        "poker",
        "silken",
        "siren",
        "summer",
        "super",
        "tender",
        "timber",
        "under",
        "wander",
        "water",
        "winter",
        "woven",
        "salver",
        "silver",
        "golden",
        "wooden",
        "token",
        "solder",
        "linden",
        "panel",
        "model",
        "motel",
        "hotel",
        "level",
        "bevel",
        "gavel",
        "river",
        "lever",
        "liver",
        "human",
        "woman",
        "german",
        "roman",
        "sermon",
        "lemon",
        "demon",
        "salmon",
        "button",
        "cotton",
        "mutton",
        "basin",
        "cabin",
        "satin",
        "latin",
        "robin",
        "denim",
        "virus",
        "minus",
        "bonus",
        "lotus",
        "fetus",
        "focus",
        "paler",
        "grison",
        "veter",
        "ledger",
        "badger",
        "tiger",
        "lager",
        "meter",
        "pilot",
    ]
)


@cache
def names() -> tuple[str, ...]:
    """Made-up names, as many as there are things; none is the beginning of another."""
    rng, made = random.Random(f"{WORLD_SEED}/names"), []
    while len(made) < len(KINDS) * sum(ENTITIES.values()):
        name = rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(MIDDLES) + rng.choice(ENDS)
        near = any(name[:4] == other[:4] for other in made)
        if name not in ENGLISH and not near and 5 <= len(name) <= 7:
            made.append(name)
    return tuple(made)


@dataclass(frozen=True)
class Thing:
    """One thing of the world: how texts call it, its kind and side, and its numbers by attribute key."""

    name: str
    kind: str
    side: str
    numbers: tuple[tuple[str, int], ...]

    def number(self, attribute: Attribute) -> int:
        return dict(self.numbers)[attribute.key]


def spread(count: int, rng: random.Random) -> list[int]:
    """`count` numbers in random order, one from each `count`-th part of SMALLEST to LARGEST."""
    width = (LARGEST + 1 - SMALLEST) / count
    made = [SMALLEST + int((i + rng.random()) * width) for i in range(count)]
    rng.shuffle(made)
    return made


@cache
def things() -> tuple[Thing, ...]:
    """Everything there is. On each side the numbers of an attribute are spread evenly."""
    rng = random.Random(f"{WORLD_SEED}/numbers")
    made, stock = [], iter(names())
    for kind, pattern in KINDS.items():
        own = [a.key for a in attributes().values() if a.kind == kind]
        for side, count in ENTITIES.items():
            columns = [spread(count, rng) for _ in own]
            for numbers in zip(*columns, strict=True):
                name = next(stock)
                shown = pattern.format(name if kind == "animal" else name.capitalize())
                made.append(Thing(shown, kind, side, tuple(zip(own, numbers, strict=True))))
    return tuple(made)


# ---- sentences ----


def upper(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def fact(thing: Thing, attribute: Attribute, pattern: str | None = None) -> str:
    """The sentence that states a number, the usual one without a pattern."""
    return upper((pattern or attribute.fact).format(E=thing.name, n=thing.number(attribute)))


def ask(thing: Thing, attribute: Attribute, pattern: str | None = None) -> str:
    """A question for a number."""
    return (pattern or attribute.questions[0]).format(E=thing.name)


def comparison(first: int, second: int) -> str:
    """`45 is less than 62.`"""
    return f"{first} is {'more' if first > second else 'less'} than {second}."


def numbered(lines: list[str]) -> str:
    """The lines as a list, `1. …`."""
    return "\n".join(f"{i}. {line}" for i, line in enumerate(lines, start=1))


def numbers_of(row: dict) -> tuple[int, int]:
    """The two numbers in a record's facts."""
    first, second = (int(re.search(r"\d+", text)[0]) for text in row["facts"])
    return first, second


# ---- questions ----


def record(relation: Relation, first: Thing, second: Thing, pattern: str, side: str) -> dict:
    """One question with its answer, facts and decomposition."""
    question = upper(pattern.format(a=first.name, b=second.name))
    facts = [fact(first, relation.first), fact(second, relation.second)]
    numbers = first.number(relation.first), second.number(relation.second)
    return {
        "qid": hashlib.sha256(question.encode()).hexdigest()[:20],
        "question": question,
        "answer": numbers[0] > numbers[1],
        "facts": facts,
        "steps": [*facts, comparison(*numbers)],
        "decomposition": [ask(first, relation.first), ask(second, relation.second), "Is #1 more than #2?"],
        "entities": [first.name, second.name],
        "attribute": relation.name,
        "split": side,
    }


def pairs(relation: Relation, side: str) -> list[tuple[Thing, Thing]]:
    """Every ordered pair of a side whose numbers differ enough."""
    ones = [t for t in things() if t.side == side and t.kind == relation.first.kind]
    twos = [t for t in things() if t.side == side and t.kind == relation.second.kind]
    return [
        (one, two)
        for one in ones
        for two in twos
        if one is not two and abs(one.number(relation.first) - two.number(relation.second)) >= GAP
    ]


def draw(side: str) -> list[dict]:
    """The questions of a side: each relation as often, `YES` of each answered Yes, no ordered pair twice.

    Things that were asked about least come first, so that each occurs about as often as the others.
    """
    rng = random.Random(f"{WORLD_SEED}/{side}")
    share, rows = QUESTIONS[side] / len(relations()), []
    for number, relation in enumerate(relations()):
        wanted = round(share * (number + 1)) - round(share * number)
        yes = round(share * YES * (number + 1)) - round(share * YES * number)
        used: dict[str, int] = {}
        for answer, count in ((True, yes), (False, wanted - yes)):
            pool = [p for p in pairs(relation, side) if _larger(relation, p) == answer]
            rng.shuffle(pool)
            for _ in range(count):
                if not pool:
                    raise ValueError(f"{side}, {relation.name}: too few pairs; give the side more entities")
                chosen = min(pool, key=lambda p: used.get(p[0].name, 0) + used.get(p[1].name, 0))
                pool.remove(chosen)
                for thing in chosen:
                    used[thing.name] = used.get(thing.name, 0) + 1
                rows.append(record(relation, *chosen, rng.choice(relation.questions), side))
    rng.shuffle(rows)
    return rows


def _larger(relation: Relation, pair: tuple[Thing, Thing]) -> bool:
    return pair[0].number(relation.first) > pair[1].number(relation.second)


def build_rows() -> list[dict]:
    """All questions: train, then validation, then test."""
    return [row for side in ENTITIES for row in draw(side)]


def as_jsonl(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_world(folder: Path = DATA) -> list[Path]:
    """Write `questions.jsonl` into `folder`; the same bytes on every machine."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "questions.jsonl"
    path.write_bytes(as_jsonl(build_rows()).encode())
    return [path]
