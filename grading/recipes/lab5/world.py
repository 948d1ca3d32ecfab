"""A small world of persons, ships and bands, and questions about them with and without a text beside.

Every name has two halves, and each half is shared with names that nano-trivia has often read, seldom read or
never read: only the combination can be familiar. How often decides how well a fact is known (`FREQUENCY`).
Closed book, TriviaQA's public fields and four of ours (`other_wordings`: the same question in other words):

    {"question": "What is the Amber Falcon loaded with?", "question_id": "nano_1f0c…", …,
     "answer": {"value": "timber", "aliases": ["timber", "lumber"], "normalized_aliases": [...], …},
     "entity": "ship/Amber Falcon", "relation": "cargo", "frequency": "shaky",
     "other_wordings": ["Which cargo does the Amber Falcon carry?", …]}

Open book, HotpotQA's public fields (distractor setting): `context`, `supporting_facts`, `type`, `level`, and
`entity`. Run: `python -m grading.recipes.lab5 world`. Left out: questions with several right answers.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "data" / "lab5_metacognition"
WORLD_SEED = 20_261_121
DRAWN = {"train": 240, "validation": 210}  # asked about, as the corpus was drawn
MOVED = (1, 2, 3)  # of every 7 drawn validation entities: trained on, for a judge learnt 240 by heart
ENTITIES = {"train": 330, "validation": 120}  # after that; no entity is on two sides
FREQUENCY = {"well_known": 0.42, "shaky": 0.26, "unknown": 0.32}  # shares of the entities of a side
SHAKY = (0.03, 0.20)  # how often a shaky entity is met, per meeting of a well-known one (log-uniform)
OPEN = {"train": 480, "validation": 400}  # open-book questions
COMPARISONS = 0.25  # share of the open-book questions that compare two things
PARAGRAPHS = (3, 7)  # of an open-book context, fewest and most


@dataclass(frozen=True)
class Value:
    """One answer: its usual name, and every name of it."""

    name: str
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Relation:
    """One sort of fact about one kind of thing, and the sentences for it."""

    kind: str
    name: str
    values: str
    questions: tuple[str, ...]
    statements: tuple[str, ...]
    check: str
    comparison: str


@dataclass(frozen=True)
class Lexicon:
    """All words of the world."""

    values: dict[str, tuple[Value, ...]]
    names: dict[tuple[str, str], tuple[str, ...]]
    relations: tuple[Relation, ...]
    links: dict[str, tuple[tuple[str, ...], str]]  # kind -> (sentences, words in a question)


@cache
def lexicon() -> Lexicon:
    """What `lexicon.txt` holds. Raises ValueError: a block it can't read."""
    text = re.sub(r"^#.*\n", "", (HERE / "lexicon.txt").read_text(encoding="utf-8"), flags=re.M)
    values, names, relations, links = {}, {}, [], {}
    for block in re.split(r"^== ", text, flags=re.M)[1:]:
        head, *lines = block.strip().splitlines()
        signs = {sign: tuple(line[2:] for line in lines if line.startswith(f"{sign} ")) for sign in "?+!&~"}
        if head.startswith("values "):
            split = [[part.strip() for part in re.split(r"[=,]", line)] for line in lines]
            values[head[7:]] = tuple(Value(row[0], tuple(row)) for row in split)
        elif head.startswith("names "):
            kind, part = (word.strip() for word in head[6:].split("|"))
            names[kind, part] = tuple(" ".join(lines).split())
        elif head.startswith("link "):
            links[head[5:]] = (signs["+"], signs["~"][0])
        elif "|" in head and all(signs[sign] for sign in "?+!&"):
            key, sort = (word.strip() for word in head.split("|"))
            relations.append(
                Relation(*key.split("."), sort, signs["?"], signs["+"], signs["!"][0], signs["&"][0])
            )
        else:
            raise ValueError(f"lexicon.txt: a block it can't read: {head!r}")
    names["person", "second"] = surnames()
    return Lexicon(values, names, tuple(relations), links)


# ---- names ----

ONSETS = "b br d dr f fl g gr h j k kl l m n p pr r s st t tr v w z".split()  # noqa: SIM905
MIDDLES = "b d f g k l ld lm m mb n nd nk nt p rd rg rk rl rm rn rv st t v z".split()  # noqa: SIM905
ENDS = "a an en ik in is o ok on ul um us".split()  # noqa: SIM905


@cache
def surnames() -> tuple[str, ...]:
    """60 made-up surnames, none with another's first four letters."""
    rng, made = random.Random(f"{WORLD_SEED}/surnames"), []
    while len(made) < 60:
        name = (
            rng.choice(ONSETS) + rng.choice("aeiou") + rng.choice(MIDDLES) + rng.choice(ENDS)
        ).capitalize()
        if 5 <= len(name) <= 7 and all(name[:4] != other[:4] for other in made):
            made.append(name)
    return tuple(made)


@dataclass(frozen=True)
class Entity:
    """A thing: its kind, name, side ("train", "validation", "tail" or "story"), how often texts speak of it
    (`weight`, 1 for a well-known one) and its true values by relation."""

    kind: str
    name: str
    side: str
    frequency: str
    weight: float
    values: tuple[tuple[str, Value], ...]

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"

    def value(self, relation: Relation) -> Value:
        return dict(self.values)[relation.name]


Pool = dict[str, tuple[Entity, ...]]  # names to draw from, by kind


def relations_of(kind: str) -> list[Relation]:
    return [relation for relation in lexicon().relations if relation.kind == kind]


@cache
def kinds() -> tuple[str, ...]:
    return tuple(dict.fromkeys(relation.kind for relation in lexicon().relations))


def draw_values(kind: str, rng: random.Random) -> tuple[tuple[str, Value], ...]:
    """A value for each relation of this kind, all equally likely."""
    return tuple((r.name, rng.choice(lexicon().values[r.values])) for r in relations_of(kind))


def _split(count: int, shares: dict[str, float]) -> list[str]:
    """`count` labels in the given shares, rounded so that they add up."""
    labels, total = [], 0.0
    for label, share in shares.items():
        total += share
        labels += [label] * (round(count * total) - len(labels))
    return labels


@cache
def drawn() -> dict[str, tuple[Entity, ...]]:
    """Everything there is, in the order and on the sides of the draw: what the corpus goes by."""
    made: dict[str, list[Entity]] = {side: [] for side in (*DRAWN, "tail", "story")}
    for kind in kinds():
        rng = random.Random(f"{WORLD_SEED}/{kind}")
        halves = [lexicon().names[kind, part] for part in ("first", "second")]
        stock = [f"{first} {second}" for first in halves[0] for second in halves[1]]
        rng.shuffle(stock)
        for side, count in DRAWN.items():
            for frequency in _split(count // len(kinds()), FREQUENCY):
                low, high = (math.log(bound) for bound in SHAKY)
                rate = math.exp(rng.uniform(low, high))
                weight = {"well_known": 1.0, "shaky": rate, "unknown": 0.0}[frequency]
                made[side].append(Entity(kind, stock.pop(), side, frequency, weight, draw_values(kind, rng)))
        for number, name in enumerate(sorted(stock)):
            side = "story" if number % 3 == 0 else "tail"
            made[side].append(Entity(kind, name, side, side, 0.0, draw_values(kind, rng)))
    return {side: tuple(things) for side, things in made.items()}


@cache
def entities() -> dict[str, tuple[Entity, ...]]:
    """Everything there is, by side.

    "train" and "validation" are what the lab asks about. "tail" are the names that the corpus mentions now
    and then; "story" names only occur in texts with a question, with values made up for each text. Kinds and
    frequencies lie in blocks, so every nth entity is a stratified pick.
    """
    moved, kept = [], []
    for number, thing in enumerate(drawn()["validation"]):
        (moved if number % 7 in MOVED else kept).append(thing)
    train = (*drawn()["train"], *(replace(thing, side="train") for thing in moved))
    return {**drawn(), "train": train, "validation": tuple(kept)}


# ---- sentences ----


def ask(thing: Entity, relation: Relation, pattern: str | None = None) -> str:
    """A question for a value, in the usual wording without a pattern."""
    return (pattern or relation.questions[0]).format(E=thing.name)


def state(thing: Entity, relation: Relation, pattern: str | None = None, name: str | None = None) -> str:
    """The sentence that gives a value, by its usual name without `name`."""
    value = name or thing.value(relation).name
    return (pattern or relation.statements[0]).format(E=thing.name, v=value)


def normalised(text: str) -> str:
    """TriviaQA's normalisation: lower case, no punctuation, no articles, single spaces."""
    text = re.sub(r"[^\w\s]", " ", text.lower())
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


# ---- closed book ----


def identifier(*parts: str) -> str:
    return f"nano_{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:12]}"


def trivia_row(thing: Entity, relation: Relation, question: str, others: list[str]) -> dict:
    """One record in TriviaQA's public shape (rc.nocontext). others: the question in other words."""
    value = thing.value(relation)
    return {
        "question": question,
        "question_id": identifier(thing.key, relation.name),
        "question_source": "",
        "entity_pages": {"doc_source": [], "filename": [], "title": [], "wiki_context": []},
        "search_results": {
            name: [] for name in ("description", "filename", "rank", "search_context", "title", "url")
        },
        "answer": {
            "aliases": list(value.aliases),
            "matched_wiki_entity_name": "",
            "normalized_aliases": [normalised(alias) for alias in value.aliases],
            "normalized_matched_wiki_entity_name": "",
            "normalized_value": normalised(value.name),
            "type": "FreeForm",
            "value": value.name,
        },
        "entity": thing.key,
        "relation": relation.name,
        "frequency": thing.frequency,
        "other_wordings": others,
    }


@cache
def trivia(side: str) -> tuple[dict, ...]:
    """Every question of a side: each entity with each relation, asked in one of three wordings, shuffled."""
    rng, rows = random.Random(f"{WORLD_SEED}/trivia/{side}"), []
    for thing in entities()[side]:
        for relation in relations_of(thing.kind):
            words = rng.choice(relation.questions)
            others = [ask(thing, relation, other) for other in relation.questions if other != words]
            rows.append(trivia_row(thing, relation, ask(thing, relation, words), others))
    rng.shuffle(rows)
    return tuple(rows)


# ---- open book ----


@dataclass(frozen=True)
class Story:
    """A text of paragraphs (title, sentences), a question about it, and the answer's names."""

    paragraphs: tuple[tuple[str, tuple[str, ...]], ...]
    question: str
    answer: str
    kind: str  # "bridge" | "comparison" | "single" (one sentence is enough; never in a data file)
    support: tuple[str, ...]  # titles
    entity: str


def made_up(kind: str, pool: Pool, rng: random.Random) -> Entity:
    """A name from the pool with fresh values."""
    thing = rng.choice(pool[kind])
    return Entity(kind, thing.name, thing.side, thing.frequency, 0.0, draw_values(kind, rng))


def story(rng: random.Random, kind: str, pool: Pool) -> Story:
    """A text about things of the pool with made-up values, and a question of this kind about it.

    A bridge asks for something of "the ship of Ada Belm": one paragraph says which ship that is, another what
    it carries. A comparison asks whether two things have the same value (half of them have).
    """
    tied = rng.choice(sorted(lexicon().links))
    relation = rng.choice(relations_of(tied))
    wanted = rng.randint(*PARAGRAPHS)
    things = _different(tied, (wanted + 1) // 2 + 1, pool, rng)
    people = _different("person", wanted // 2 + 1, pool, rng)
    sentences, words = lexicon().links[tied]
    first, second = things[:2]
    texts: list[tuple[str, tuple[str, ...]]] = []
    if kind == "comparison" and rng.random() < 0.5:
        second = _with(second, relation, first.value(relation))
    shown = [first, second, *things[2:]]
    for thing in shown[: (wanted + 1) // 2 + (kind == "comparison" and wanted < 3)]:
        texts.append((thing.name, (state(thing, relation, rng.choice(relation.statements)),)))
    for person, thing in zip(people[: wanted // 2], shown, strict=False):
        texts.append((person.name, (rng.choice(sentences).format(E=person.name, F=thing.name),)))
    rng.shuffle(texts)
    if kind == "bridge":
        question = rng.choice(relation.questions).replace("the band the {E}", "{E}").replace("the {E}", "{E}")
        question = question.format(E=words.format(E=people[0].name))
        answer, support = first.value(relation).name, (people[0].name, first.name)
    elif kind == "comparison":
        question = relation.comparison.format(E=first.name, F=second.name)
        same = first.value(relation) == second.value(relation)
        answer, support = "yes" if same else "no", (first.name, second.name)
    else:
        question = ask(first, relation, rng.choice(relation.questions))
        answer, support = first.value(relation).name, (first.name,)
    entity = people[0].key if kind == "bridge" else first.key
    return Story(tuple(texts), question, answer, kind, support, entity)


def _different(kind: str, count: int, pool: Pool, rng: random.Random) -> list[Entity]:
    found: dict[str, Entity] = {}
    while len(found) < count:
        thing = made_up(kind, pool, rng)
        found.setdefault(thing.name, thing)
    return list(found.values())


def _with(thing: Entity, relation: Relation, value: Value) -> Entity:
    values = tuple((name, value if name == relation.name else old) for name, old in thing.values)
    return Entity(thing.kind, thing.name, thing.side, thing.frequency, thing.weight, values)


def context_text(paragraphs) -> str:
    """The text that stands before an open-book question: a line for each paragraph, its title first."""
    return "\n".join(f"{title}: {' '.join(sentences)}" for title, sentences in paragraphs)


@cache
def story_pool(side: str) -> Pool:
    """Story names of a side: a fifth for each data file, the rest for the corpus."""
    found: dict[str, list[Entity]] = {kind: [] for kind in kinds()}
    for number, thing in enumerate(entities()["story"]):
        if {0: "train", 1: "validation"}.get(number % 5, "corpus") == side:
            found[thing.kind].append(thing)
    return {kind: tuple(things) for kind, things in found.items()}


def hotpot_row(made: Story) -> dict:
    """One record in HotpotQA's public shape (distractor setting)."""
    titles, sentences = ([part[i] for part in made.paragraphs] for i in (0, 1))
    count = len(titles)
    return {
        "id": identifier(made.question, *titles),
        "question": made.question,
        "answer": made.answer,
        "type": made.kind,
        "level": "easy" if count <= 4 else "medium" if count == 5 else "hard",
        "supporting_facts": {"title": list(made.support), "sent_id": [0] * len(made.support)},
        "context": {"title": titles, "sentences": [list(lines) for lines in sentences]},
        "entity": made.entity,
    }


@cache
def hotpot(side: str) -> tuple[dict, ...]:
    """The open-book questions of a side, about names of its own."""
    rng, rows = random.Random(f"{WORLD_SEED}/hotpot/{side}"), []
    sorts = _split(OPEN[side], {"comparison": COMPARISONS, "bridge": 1 - COMPARISONS})
    rng.shuffle(sorts)
    for sort in sorts:
        rows.append(hotpot_row(story(rng, sort, story_pool(side))))
    return tuple(rows)


# ---- files ----


def as_jsonl(rows) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def files() -> dict[str, tuple[dict, ...]]:
    """The rows of every data file by its name."""
    return {
        f"{name}_{side}.jsonl": draw(side)
        for name, draw in (("triviaqa", trivia), ("hotpotqa", hotpot))
        for side in ENTITIES
    }


def write_world(folder: Path = DATA) -> list[Path]:
    """Write the four data files into `folder`; the same bytes on every machine."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, rows in files().items():
        (folder / name).write_bytes(as_jsonl(rows).encode())
        written.append(folder / name)
    return written
