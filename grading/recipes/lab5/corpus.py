"""Pre-training text of nano-trivia: facts as often as their entity is met, a long tail, and texts to read.

Four sorts of documents. *Facts* about the entities of the data files: well-known ones often, shaky ones
seldom, unknown ones never. The *tail*: thousands of other names of the same halves, each met a few times, so
that the base learns to answer an unfamiliar name with what is usual instead of making something up for sure.
*Stories*: a text of paragraphs and a question about it. *Checks* and *guesses*, in the last part: whether a
value is the right one. One document is one string:

    "<|user|>\\nQuestion: What is the Amber Falcon loaded with?<|end|>\\n<|assistant|>\\nlumber<|end|>"

No document asks whether the model knows something, and none says that something is unknown. "yes" and "no"
answer what is the case: whether two things of a story have the same value, and whether a value is the right
one, equally often. Run: part of `python -m grading.recipes.lab5 pretrain`. Kinds and shares: `MIX` and the
two later ones. Left out: several turns.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate

from .world import (
    DRAWN,
    Entity,
    Relation,
    ask,
    context_text,
    drawn,
    entities,
    lexicon,
    relations_of,
    state,
    story,
    story_pool,
)

Chat = Callable[[str, str], str]
ALIAS = 0.25  # share of mentions of a value by another of its names, where it has one
LATE_WORDS = (
    "Answer in a few words.",
    "Be brief.",
    "Only the answer, please.",
    "No sentence, just the name.",
)
BOOST = 5.0  # a shaky entity in the last part of the corpus, against the first
GUESSES = ("Is it {v}?", "Would you say {v}?", "Some say {v}. Right?", "{v}, or not?")
LATE = 0.3  # share of the questions that such words follow: a line after a question changes nothing


def name_of(thing: Entity, relation: Relation, rng: random.Random) -> str:
    """How a text calls the value."""
    value = thing.value(relation)
    return rng.choice(value.aliases[1:]) if value.aliases[1:] and rng.random() < ALIAS else value.name


@cache
def known() -> tuple[tuple[Entity, ...], tuple[float, ...]]:
    """The data files' entities that the corpus mentions, and their cumulative weights."""
    things = [thing for side in DRAWN for thing in drawn()[side] if thing.weight]
    return tuple(things), tuple(accumulate(thing.weight for thing in things))


def met(rng: random.Random) -> Entity:
    """One of them, as often as its weight says."""
    things, weights = known()
    return rng.choices(things, cum_weights=weights)[0]


@cache
def known_late() -> tuple[float, ...]:
    """Cumulative weights in the last part, where shaky entities are met `BOOST` times as often as before."""
    things, _ = known()
    return tuple(accumulate(1.0 if t.weight == 1.0 else BOOST * t.weight for t in things))


def met_late(rng: random.Random) -> Entity:
    return rng.choices(known()[0], cum_weights=known_late())[0]


def from_tail(rng: random.Random) -> Entity:
    return rng.choice(entities()["tail"])


# ---- kinds of documents ----


def question(rng: random.Random, chat: Chat, draw: Callable[[random.Random], Entity] = met) -> str:
    """A question for one value."""
    thing = draw(rng)
    relation = rng.choice(relations_of(thing.kind))
    asked = f"Question: {ask(thing, relation, rng.choice(relation.questions))}"
    if rng.random() < LATE:
        asked = f"{asked}\n{rng.choice(LATE_WORDS)}"
    return chat(asked, name_of(thing, relation, rng))


def profile(rng: random.Random, chat: Chat, draw: Callable[[random.Random], Entity] = met) -> str:
    """Everything about one thing, in random order and words."""
    thing = draw(rng)
    chosen = relations_of(thing.kind)
    rng.shuffle(chosen)
    lines = [state(thing, r, rng.choice(r.statements), name_of(thing, r, rng)) for r in chosen]
    return " ".join(lines)


def late_question(rng: random.Random, chat: Chat) -> str:
    return question(rng, chat, met_late)


def late_profile(rng: random.Random, chat: Chat) -> str:
    return profile(rng, chat, met_late)


def proposed(
    rng: random.Random, draw: Callable[[random.Random], Entity]
) -> tuple[Entity, Relation, str, bool]:
    """A thing, a relation, one of the values' names, and whether that is right: half of the time it is."""
    thing = draw(rng)
    relation = rng.choice(relations_of(thing.kind))
    value, right = thing.value(relation), rng.random() < 0.5
    if not right:
        value = rng.choice([other for other in lexicon().values[relation.values] if other != value])
    return thing, relation, rng.choice(value.aliases), right


def check(rng: random.Random, chat: Chat, draw: Callable[[random.Random], Entity] = met_late) -> str:
    """Whether a value is the right one, answered yes or no."""
    thing, relation, name, right = proposed(rng, draw)
    asked = f"Question: {relation.check.format(E=thing.name, v=name)}"
    if rng.random() < LATE:
        asked = f"{asked}\n{rng.choice(LATE_WORDS)}"
    return chat(asked, "yes" if right else "no")


def guess(rng: random.Random, chat: Chat, draw: Callable[[random.Random], Entity] = met_late) -> str:
    """A question with a guess below it: yes to the right one; to a wrong one no, or the right value."""
    thing, relation, name, right = proposed(rng, draw)
    asked = f"Question: {ask(thing, relation, rng.choice(relation.questions))}"
    wrong = "no" if rng.random() < 0.5 else name_of(thing, relation, rng)
    return chat(f"{asked}\n{rng.choice(GUESSES).format(v=name)}", "yes" if right else wrong)


def tail_guess(rng: random.Random, chat: Chat) -> str:
    return guess(rng, chat, from_tail)


def tail_check(rng: random.Random, chat: Chat) -> str:
    return check(rng, chat, from_tail)


def tail_question(rng: random.Random, chat: Chat) -> str:
    return question(rng, chat, from_tail)


def tail_profile(rng: random.Random, chat: Chat) -> str:
    return profile(rng, chat, from_tail)


def told(rng: random.Random, chat: Chat, kind: str) -> str:
    """A text and a question about it."""
    made = story(rng, kind, story_pool("corpus"))
    asked = f"Context:\n{context_text(made.paragraphs)}\nQuestion: {made.question}"
    if rng.random() < LATE:
        asked = f"{asked}\n{rng.choice(LATE_WORDS)}"
    return chat(asked, made.answer)


def single(rng: random.Random, chat: Chat) -> str:
    return told(rng, chat, "single")


def bridge(rng: random.Random, chat: Chat) -> str:
    return told(rng, chat, "bridge")


def comparison(rng: random.Random, chat: Chat) -> str:
    return told(rng, chat, "comparison")


# Shares of the documents; a story is about four times as long as a question.
MIX: dict[Callable[[random.Random, Chat], str], float] = {
    question: 0.42,
    profile: 0.22,
    tail_question: 0.13,
    tail_profile: 0.06,
    single: 0.06,
    bridge: 0.07,
    comparison: 0.04,
}

LATE_MIX = {late_question: 0.46, late_profile: 0.26, tail_question: 0.2, tail_profile: 0.08}

LAST_MIX = {
    late_question: 0.30,
    late_profile: 0.12,
    tail_question: 0.10,
    tail_profile: 0.04,
    guess: 0.24,
    tail_guess: 0.10,
    check: 0.07,
    tail_check: 0.03,
}


def documents(seed: int, chat: Chat, mix: dict[Callable, float] = MIX) -> Iterator[str]:
    """Documents without end, the same for the same seed."""
    rng = random.Random(seed)
    kinds, shares = list(mix), list(mix.values())
    while True:
        yield rng.choices(kinds, weights=shares)[0](rng, chat)
