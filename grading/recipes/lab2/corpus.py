"""Pre-training text of nano-facts: every fact of the world in many wordings, each step of a chain by itself.

The base model should recite facts, copy names from a question into sentences, know which number a question
turns on, and compare two numbers. What it never sees is a question about two things of the world answered by
*comparing*: drafts guess at random, in the last part of the corpus by the first thing alone where that has a
size, and no question of a data file occurs. One document is one string:

    "<|user|>\\nCompare: How deep is Lake Tisk? How deep is Lake Orlo?<|end|>\\n<|assistant|>\\n1. Lake Tisk
     is 45 m deep.\\n2. Lake Orlo is 62 m deep.\\n3. 45 is less than 62.<|end|>"

Run: part of `python -m grading.recipes.lab2 pretrain`. Kinds and shares: `MIX`. Left out: several turns.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache

from .world import (
    GAP,
    KINDS,
    LARGEST,
    SMALLEST,
    Attribute,
    Relation,
    Thing,
    ask,
    attributes,
    build_rows,
    comparison,
    fact,
    numbered,
    relations,
    things,
    upper,
)

Chat = Callable[[str, str], str]
DRAFT = "Draft an answer and ask."  # the instruction of a student draft
FOCUS = "What has to be known?"
GUESS = "Guess."
UNFOCUSED = 0.25  # share of drafts that ask for something else
HIGH = 55  # from here on a thing counts as deep, tall, long, heavy
PEOPLE = (  # noqa: SIM905 (a list of quoted words is harder to read)
    "Ana Ben Cora Dan Ella Finn Gina Hugo Ida Jack Kim Leo Mia Nora Omar Pia Rosa Sam Tina Uma Vera Will "
    "Yara Zoe Adam Bella Carl Dora Emil Fay Lena Noah Ruth Paul Sara Tom Kate Max Lucy Ivan"
).split()
OWNED = {
    "lake": ("pond", "pool", "well", "bay"),
    "tower": ("house", "barn", "mill", "shed"),
    "ship": ("boat", "raft", "canoe", "ferry"),
    "animal": ("dog", "horse", "goat", "bird"),
}


@cache
def asked() -> frozenset[tuple[str, str, str]]:
    """(attribute, first, second) of every question of the data files."""
    return frozenset((row["attribute"], *row["entities"]) for row in build_rows())


@cache
def by_kind() -> dict[str, list[Thing]]:
    return {kind: [t for t in things() if t.kind == kind] for kind in KINDS}


def own(thing: Thing) -> list[Attribute]:
    """The attributes that things of this kind have."""
    return [a for a in attributes().values() if a.kind == thing.kind]


def worded(thing: Thing, attribute: Attribute, rng: random.Random) -> str:
    """The fact in its usual sentence, or about as often in another."""
    return fact(thing, attribute, rng.choice((attribute.fact, attribute.fact, *attribute.wordings)))


def two_things(rng: random.Random) -> tuple[Relation, Thing, Thing]:
    """A comparison of two things that no data file asks for."""
    while True:
        relation = rng.choice(relations())
        first = rng.choice(by_kind()[relation.first.kind])
        second = rng.choice(by_kind()[relation.second.kind])
        gap = abs(first.number(relation.first) - second.number(relation.second))
        if first is not second and gap >= GAP and (relation.name, first.name, second.name) not in asked():
            return relation, first, second


# ---- kinds of documents ----


def profile(rng: random.Random, chat: Chat) -> str:
    """One thing, its numbers in random order."""
    thing = rng.choice(things())
    chosen = own(thing)
    rng.shuffle(chosen)
    return " ".join(worded(thing, attribute, rng) for attribute in chosen)


def mixed(rng: random.Random, chat: Chat) -> str:
    """Facts about several things; now and then a list."""
    drawn = [rng.choice(things()) for _ in range(rng.randint(2, 5))]
    lines = [worded(thing, rng.choice(own(thing)), rng) for thing in drawn]
    if rng.random() < 0.3:
        return numbered(lines)
    return " ".join(lines)


def single(rng: random.Random, chat: Chat) -> str:
    """A question for one number, answered by the usual sentence."""
    thing = rng.choice(things())
    attribute = rng.choice(own(thing))
    question = ask(thing, attribute, rng.choice(attribute.questions))
    return chat(f"Question: {question}" if rng.random() < 0.5 else question, fact(thing, attribute))


def listing(rng: random.Random, chat: Chat) -> str:
    """Questions for two or three numbers, answered by a list; "Compare:" asks for a comparison too."""
    if rng.random() < 0.5:
        relation, first, second = two_things(rng)
        wanted = [(first, relation.first), (second, relation.second)]
        if rng.random() < 0.5:
            wanted.reverse()
    else:
        drawn = rng.sample(things(), rng.choice((2, 2, 3)))
        wanted = [(thing, rng.choice(own(thing))) for thing in drawn]
    questions = [
        ask(thing, attribute, rng.choice((attribute.questions[0], *attribute.questions)))
        for thing, attribute in wanted
    ]
    facts = [fact(thing, attribute) for thing, attribute in wanted]
    numbers = [thing.number(attribute) for thing, attribute in wanted]
    if len(wanted) == 2 and numbers[0] != numbers[1] and rng.random() < 0.6:
        return chat(f"Compare: {' '.join(questions)}", numbered([*facts, comparison(*numbers)]))
    return chat(" ".join(questions), numbered(facts))


def focus(rng: random.Random, chat: Chat) -> str:
    """Which two numbers a question about two things turns on."""
    relation, first, second = two_things(rng)
    question = upper(rng.choice(relation.questions).format(a=first.name, b=second.name))
    return chat(
        f"Question: {question}\n{FOCUS}", f"{ask(first, relation.first)} {ask(second, relation.second)}"
    )


def draft(rng: random.Random, chat: Chat, *, hunches: bool = False) -> str:
    """A student draft: a random guess, and two questions that mostly, but not always, are the right ones.

    With hunches it guesses by the first thing alone where the attribute has an adjective.
    """
    relation, first, second = two_things(rng)
    question = upper(rng.choice(relation.questions).format(a=first.name, b=second.name))
    yes = rng.random() < 0.5
    if hunches and relation.first.adjective:
        yes = first.number(relation.first) >= HIGH
    thing, attribute = (first, relation.first) if yes else (second, relation.second)
    needed = [(first, relation.first), (second, relation.second)]
    if rng.random() < UNFOCUSED:
        place = rng.randrange(2)
        other = rng.choice([a for a in own(needed[place][0]) if a is not needed[place][1]])
        needed[place] = (needed[place][0], other)
    asks = " ".join(ask(*pair) for pair in needed)
    guess = f"Answer: {'Yes' if yes else 'No'} - {upper(thing.name)} sounds {attribute.comparative}."
    return chat(f"Question: {question}\n{DRAFT}", f"{guess}\nQuestions: {asks}")


def hunch(rng: random.Random, chat: Chat) -> str:
    """A draft that guesses by the first thing alone where it can."""
    return draft(rng, chat, hunches=True)


def glance(rng: random.Random, chat: Chat) -> str:
    """The guess of such a draft alone."""
    prompt, _, reply = hunch(rng, lambda question, answer: f"{question}@{answer}").partition("@")
    question = prompt.removesuffix(f"\n{DRAFT}")
    return chat(f"{question}\n{GUESS}", reply.partition(" -")[0])


def two_numbers(rng: random.Random) -> tuple[int, int]:
    """Two different numbers; as often far apart as close together."""
    while True:
        first = rng.randint(SMALLEST, LARGEST)
        second = rng.randint(SMALLEST, LARGEST)
        if rng.random() < 0.5:
            second = first + rng.choice((-1, 1)) * rng.randint(1, 12)
        if first != second and SMALLEST <= second <= LARGEST:
            return first, second


def numbers(rng: random.Random, chat: Chat) -> str:
    """Plain comparisons of numbers, in text and as questions."""
    if rng.random() < 0.6:
        return " ".join(comparison(*two_numbers(rng)) for _ in range(rng.randint(3, 6)))
    first, second = two_numbers(rng)
    reply = "Yes" if first > second else "No"
    question = f"Is {first} more than {second}?"
    if rng.random() < 0.5:
        return chat(f"Question: {question}", f"Answer: {reply}")
    return chat(f"Compare: {question}", f"1. {comparison(first, second)}\nAnswer: {reply}")


def story(rng: random.Random, chat: Chat) -> str:
    """Numbers of things that the text itself introduces, a question about two of them, and its chain."""
    relation = rng.choice(relations())
    people = rng.sample(PEOPLE, 3)
    sides = [relation.first, relation.second, relation.first]
    held = [f"{person}'s {rng.choice(OWNED[side.kind])}" for person, side in zip(people, sides, strict=True)]
    told = {}
    for name, side in zip(held, sides, strict=True):
        others = [a for a in attributes().values() if a.kind == side.kind and a is not side]
        for attribute in (side, rng.choice(others)):
            told[name, attribute.key] = Thing(
                name, side.kind, "story", ((attribute.key, rng.randint(SMALLEST, LARGEST)),)
            )
    first, second = told[held[0], sides[0].key], told[held[1], sides[1].key]
    one, two = first.number(sides[0]), second.number(sides[1])
    if one == two:
        return story(rng, chat)
    known = list(told.items())[: rng.choice((4, 4, 6))]
    rng.shuffle(known)
    facts = " ".join(worded(thing, attributes()[key], rng) for (_, key), thing in known)
    question = upper(rng.choice(relation.questions).format(a=held[0], b=held[1]))
    steps = f"{fact(first, sides[0])} {fact(second, sides[1])} {comparison(one, two)}"
    return f"{facts} {question} {steps} That means {'yes' if one > two else 'no'}."


def glossary(rng: random.Random, chat: Chat) -> str:
    """What the words of a question turn on."""
    relation = rng.choice(relations())
    word = rng.choice(relation.words)
    if rng.random() < 0.5:
        return chat(f'What does "{word}" turn on?', f"On {relation.topic}.")
    return f'Whoever asks for "{word}" asks for {relation.topic}.'


def member(rng: random.Random, chat: Chat) -> str:
    """A yes/no question about the kind of a thing."""
    thing = rng.choice(things())
    kind = thing.kind if rng.random() < 0.5 else rng.choice([k for k in KINDS if k != thing.kind])
    bare = (
        thing.name.removeprefix("Lake ").removeprefix("the ship ").removeprefix("the ").removesuffix(" Tower")
    )
    word = f"an {kind}" if kind == "animal" else f"a {kind}"
    return chat(f"Question: Is {bare} {word}?", f"Answer: {'Yes' if kind == thing.kind else 'No'}")


def rough(rng: random.Random, chat: Chat) -> str:
    """A yes/no question about the size of one thing, for the attributes with an adjective."""
    thing = rng.choice(things())
    attribute = next(a for a in own(thing) if a.adjective)
    reply = "Yes" if thing.number(attribute) >= HIGH else "No"
    return chat(f"Question: Is {thing.name} {attribute.adjective}?", f"Answer: {reply}")


def letter(rng: random.Random, chat: Chat) -> str:
    """A teacher's letter about two numbers, so that its headings are known."""
    first, second = two_numbers(rng)
    reply = "YES" if first > second else "NO"
    return chat(
        f"Question: Is {first} more than {second}?\nTeach.",
        "## Teaching Analysis\nThe draft is a guess. The numbers decide.\n\n## Step-by-Step Reasoning\n"
        f"1. {comparison(first, second)}\n\n## Final Assessment\n"
        f"Based on this analysis, the answer is: **{reply}**",
    )


MIX = {
    profile: 0.20,
    mixed: 0.10,
    single: 0.14,
    listing: 0.20,
    focus: 0.08,
    draft: 0.06,
    numbers: 0.08,
    story: 0.07,
    glossary: 0.02,
    member: 0.02,
    rough: 0.02,
    letter: 0.01,
}
# The last part of pre-training: more about the size of single things, and drafts that guess by it.
LATE_MIX = {
    **{kind: 0.25 * share for kind, share in MIX.items()},
    rough: 0.45,  # of one thing, yes or no: about 160 times each
    glance: 0.20,
    hunch: 0.10,
    draft: 0.0,
}


def documents(seed: int, chat: Chat, mix: dict = MIX) -> Iterator[str]:
    """Documents without end; `chat(question, reply)` renders the chat template."""
    rng = random.Random(f"corpus/{seed}")
    kinds, shares = list(mix), list(mix.values())
    while True:
        yield rng.choices(kinds, shares)[0](rng, chat)
