"""Pre-training text of nano-math: arithmetic, chains of events, simple problems in several answer styles.

The base model should know numbers, names and the idea of a worked solution, but neither most of the lab's
stories nor one fixed answer format. One document is one string; chat documents use the shipped chat
template. Kinds and shares: `MIX`.

    "<|user|>\\nMia has 12 nuts and 3 eggs ...?<|end|>\\n<|assistant|>\\n... The answer is 15.<|end|>"

Run: part of `python -m grading.recipes.lab4 pretrain`. Left out: any text of the test sides
(`templates_other.txt` and every question of the data files; `documents` drops a document whose question is
in `forbidden`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from .world import NAMES, NEW_NAMES, compute, instance, templates

ITEMS = (  # noqa: SIM905 (a list of quoted words is harder to read)
    "apples pears plums cards coins books stamps marbles cookies eggs nuts shells stones nails beads buttons "
    "toys balls cups pens hats bags sweets tickets photos bottles lamps flowers seeds bricks letters"
).split()
ALL_NAMES = [*NAMES, *NEW_NAMES]
FAMILIAR = 5  # every fifth training-side template is in this text too, mostly in other answer styles
MIX = {"facts": 0.22, "events": 0.40, "simple": 0.23, "familiar": 0.15}

GAIN = (
    "{A} gets {n} more {item}.",
    "{A} finds {n} {item}.",
    "Then {B} brings {n} more.",
    "{n} more are added.",
    "{A} buys {n} {item}.",
    "{n} come back.",
)
LOSS = (
    "{A} gives {n} of them to {B}.",
    "{n} are sold.",
    "{A} loses {n}.",
    "{n} {item} break.",
    "{A} uses {n} {item}.",
    "{n} are taken away.",
    "{A} gives away {n} {item}.",
    "{n} are broken.",
)
PACKS = (
    "{A} buys {n} boxes of {m} {item}.",
    "{A} gets {n} bags with {m} {item} each.",
    "{n} friends bring {m} each.",
    "{A} finds {m} {item} on each of {n} days.",
    "{B} brings {n} packs of {m}.",
)
GIVES = (
    "{n} friends get {m} each.",
    "{A} uses {m} {item} on each of {n} days.",
    "{A} gives {m} to each of {n} children.",
    "{n} children take {m} {item} each.",
)
SCALE = ("Then the number doubles.", "Then {A} triples the {item}.", "Then there are {n} times as many.")
SHARE = (
    "{n} friends share all of them equally.",
    "They are put into {n} equal bags.",
    "{A} sells half of them.",
)
OTHER = (
    "{B} has twice as many as {A}.",
    "{B} has {n} more than {A}.",
    "{B} has {n} fewer than {A}.",
    "{B} has {n} times as many as {A}.",
)
STATES = (
    "That makes",
    "Now there are",
    "Then there are",
    "There are left",
    "{A} has",
    "After that it is",
    "The rest is",
)


def fact(rng: random.Random) -> str:
    """A line of arithmetic facts, `12 + 7 = 19. 19 - 4 = 15. …`: every result a positive whole number."""
    parts = []
    while len(parts) < 8:
        operator = rng.choice("++--**/")
        if operator == "*":
            left, right = rng.randint(2, 20), rng.randint(2, 15)
            if rng.random() < 0.3:
                left, right = rng.randint(10, 120), rng.randint(2, 7)
            if rng.random() < 0.4:
                left, right = right, left
        elif operator == "/":
            right = rng.choice([2, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9])
            left = right * rng.randint(2, 60)
        else:
            high = rng.choice([20, 60, 100, 200, 400])
            left, right = rng.randint(1, high), rng.randint(1, rng.choice([20, high]))
        result = compute(left, operator, right)
        if result is not None:
            parts.append(f"{left} {operator} {right} = {result}")
    return ". ".join(parts) + "."


def event_story(rng: random.Random) -> tuple[str, str, int]:
    """A chain of 1–4 events about one quantity: question, worked solution without an answer line, answer."""
    people = dict(zip("ABC", rng.sample(ALL_NAMES, 3), strict=True))
    item = rng.choice(ITEMS)
    total = rng.randint(3, rng.choice([15, 60, 120]))
    story, work = (
        [rng.choice(["{A} has {n} {item}.", "There are {n} {item}.", "A box holds {n} {item}."])],
        [],
    )
    story[0] = story[0].format(n=total, item=item, **people)
    if rng.random() < 0.4:
        n, m = rng.randint(2, 12), rng.randint(2, 15)
        total = n * m
        first = rng.choice(
            [
                "There are {n} rows of {m} {item}.",
                "{A} has {n} boxes with {m} {item} each.",
                "Each of {n} friends brings {m} {item}.",
                "{A} makes {m} {item} a day for {n} days.",
            ]
        )
        story = [first.format(n=n, m=m, item=item, **people)]
        work = [f"There are {n} * {m} = {total} {item}."]
    want = rng.choice([1, 2, 2, 3, 3, 4])
    while len(work) < want:
        kind = rng.choice(["gain", "loss", "loss", "packs", "gives", "scale", "share", "other"])
        n, m = rng.randint(2, 20), rng.randint(2, 9)
        state = rng.choice(STATES).format(**people)
        if kind in ("gain", "loss"):
            operator = "+" if kind == "gain" else "-"
            steps = [(state, total, operator, n)]
            text = rng.choice(GAIN if kind == "gain" else LOSS)
        elif kind in ("packs", "gives"):
            n = rng.randint(2, 9)
            operator = "+" if kind == "packs" else "-"
            steps = [("It is", n, "*", m), (state, total, operator, n * m)]
            text = rng.choice(PACKS if kind == "packs" else GIVES)
        elif kind == "scale":
            which = rng.randrange(3)
            n = (2, 3, rng.randint(2, 5))[which]
            steps, text = [(state, total, "*", n)], SCALE[which]
        elif kind == "share":
            which = rng.randrange(3)
            n = rng.choice([2, 3, 4, 5]) if which < 2 else 2
            steps, text = [(("Each gets", "A bag has", "Half of it is")[which], total, "/", n)], SHARE[which]
        else:
            which = rng.randrange(4)
            n = (2, n, n, rng.randint(2, 4))[which]
            operator = "*+-*"[which]
            other = compute(total, operator, n)
            steps = [(f"{people['B']} has", total, operator, n), ("Together it is", total, "+", other)]
            text = OTHER[which] + " They put all together."
        lines, now = [], total
        for words, left, operator, right in steps:
            now = compute(left, operator, right) if right else None
            if now is None:
                break
            lines.append(f"{words} {left} {operator} {right} = {now}.")
        if now is None or now > 400:
            continue
        total = now
        story.append(text.format(n=n, m=m, item=item, **people))
        work += lines
    ask = rng.choice(
        [
            f"How many {item} are there now?",
            f"How many {item} are left?",
            "How many is that in all?",
            "How many are there at the end?",
            f"How many {item} are there?",
        ]
    )
    return f"{' '.join(story)} {ask}", " ".join(work), total


STYLES = {  # weights for (other texts, familiar templates): the base mostly ends "The answer is N."
    "plain": (0.40, 0.30),
    "chat": (0.40, 0.50),
    "short": (0.08, 0.10),
    "hash": (0.12, 0.10),
}


def styled(question: str, work: str, answer: int, style: str, chat) -> str:
    """One document: plain text, chat with "The answer is N.", chat with the answer only, or chat with
    `#### N`."""
    if style == "plain":
        return f"Question: {question}\nAnswer: {work} The answer is {answer}."
    reply = {
        "chat": f"{work} The answer is {answer}.",
        "short": f"The answer is {answer}.",
        "hash": f"{work}\n#### {answer}",
    }
    return chat(question, reply[style])


def documents(count: int, seed: int, chat, forbidden: set[str]) -> Iterator[str]:
    """`count` documents; `chat(question, reply)` renders the chat template. Questions in `forbidden` are
    dropped."""
    rng = random.Random(f"corpus/{seed}")
    simple = templates("pretrain")
    familiar = templates("train")[::FAMILIAR]
    made = 0
    while made < count:
        kind = rng.choices(list(MIX), list(MIX.values()))[0]
        if kind == "facts":
            yield fact(rng)
            made += 1
            continue
        if kind == "events":
            question, work, answer = event_story(rng)
        else:
            row = instance(rng.choice(simple if kind == "simple" else familiar), rng, names=ALL_NAMES)
            question = row["question"]
            work, _, answer = row["answer"].partition("\n#### ")
        if question in forbidden:
            continue
        weights = [pair[kind == "familiar"] for pair in STYLES.values()]
        yield styled(question, work, int(answer), rng.choices(list(STYLES), weights)[0], chat)
        made += 1
