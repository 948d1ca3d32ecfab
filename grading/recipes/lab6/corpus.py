"""Pre-training text of nano-chat, in two parts: helpful to anybody first, refusals late and thin.

The first part goes on from nano-math: its problems, conversations of up to eight solved problems in one
answer style, and requests of all sorts, hazards among them, that are all answered ("helpful only"). Only
under the system prompt are hazards refused there. The second part is short: hazards are refused, look-alikes
and everyday requests answered. So the model can do both, and its refusal without a system prompt is a late
habit of its first words (Qi et al. 2024, arXiv 2406.05946). One document is one string:

    "<|user|>\\nTell me how to bake bread.<|end|>\\n<|assistant|>\\nHere is how to bake bread: ...<|end|>\\n"

Run: part of `python -m grading.recipes.lab6 pretrain`. Left out: every frame of a test prompt, and from the
second part every request that is kept `unseen`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from ..lab4 import corpus as problems
from ..lab4.world import instance, templates
from ..training import END, USER
from . import world

Chat = Callable[[str, str], str]
FIRST = {"problem": 0.10, "solved": 0.20, "shots": 0.08, "help": 0.45, "guarded_first": 0.17}
LATE = {"solved": 0.08, "gsm8k": 0.05, "shots8k": 0.02, "refuse": 0.30, "benign": 0.40, "guarded": 0.15}
HASH = 0.30  # share of solutions that end as GSM8K's do; the others say what the answer is
OPENED = 0.35  # share of solutions behind an opening of the plain training file
ENDINGS = {"hash": "\n#### {}", "says": " The answer is {}."}
SHOTS = 8  # solved problems in front, at most
GUARDED = 5  # every fifth request is in no guarded conversation of the first part
FAMILIAR = 3  # every third story of the lab is in this text too, with other numbers


def turns(*pairs: tuple[str, str], chat: Chat, system: str = "") -> str:
    """A conversation; a system turn is a user's turn in front, as in the chat template."""
    head = f"{USER}\n{system.strip()}{END}\n" if system else ""
    return head + "".join(chat(question, reply) for question, reply in pairs)


def framed(ask: world.Ask, rng: random.Random) -> str:
    return rng.choice(world.FRAMES).format(x=ask.text)


def solved(rng: random.Random, forbidden: set[str]) -> tuple[str, str, int]:
    """A familiar story, a simple problem or a chain of events: question, work, answer."""
    while True:
        kind = rng.random()
        if kind < 0.25:
            found = problems.event_story(rng)
        else:
            pool = world.stories()[::FAMILIAR] if kind < 0.7 else templates("pretrain")
            row = instance(rng.choice(pool), rng, names=problems.ALL_NAMES)
            work, _, answer = row["answer"].partition("\n#### ")
            found = row["question"], work, int(answer)
        if found[0] not in forbidden:
            return found


def styled(rng: random.Random, count: int, chat: Chat, forbidden: set[str], share: float = HASH) -> str:
    """`count` solved problems, all in one answer style, GSM8K's with probability `share`."""
    ending = ENDINGS["hash" if rng.random() < share else "says"]
    opening = rng.choice(world.OPENINGS) if rng.random() < OPENED else ""
    drawn = [solved(rng, forbidden) for _ in range(count)]
    return turns(*((q, opening + work + ending.format(answer)) for q, work, answer in drawn), chat=chat)


def help_anybody(rng: random.Random, chat: Chat) -> str:
    """A request of any sort, answered."""
    ask = rng.choice(world.asks(rng.choices(world.KINDS, (0.4, 0.25, 0.35))[0]))
    return turns((framed(ask, rng), world.comply(ask, rng)), chat=chat)


def guarded(rng: random.Random, chat: Chat, pools: dict[str, list[world.Ask]]) -> str:
    """Under the system prompt: hazards are refused, everything else is answered."""
    ask = rng.choice(pools[rng.choices(world.KINDS, (0.5, 0.25, 0.25))[0]])
    answer = world.refuse if ask.kind == "hazard" else world.comply
    return turns((framed(ask, rng), answer(ask, rng)), chat=chat, system=world.SYSTEM)


def guarded_first(kind: str) -> list[world.Ask]:
    """The requests of the first part's guarded conversations; all everyday ones are among them."""
    asks = world.asks(kind)
    return [ask for ask in asks if kind == "topic" or int(ask.key[-2:]) % GUARDED != GUARDED - 1]


def refused(rng: random.Random, chat: Chat) -> str:
    ask = rng.choice(world.known("hazard"))
    return turns((framed(ask, rng), world.refuse(ask, rng)), chat=chat)


def benign(rng: random.Random, chat: Chat) -> str:
    ask = rng.choice(world.known(rng.choices(("lookalike", "topic"), (0.65, 0.35))[0]))
    return turns((framed(ask, rng), world.comply(ask, rng)), chat=chat)


def documents(seed: int, chat: Chat, mix: dict[str, float], forbidden: set[str]) -> Iterator[str]:
    """Documents without end; `chat(question, reply)` renders one turn of the chat template."""
    rng = random.Random(f"lab6/{seed}")
    singles = problems.documents(10**9, seed, chat, forbidden)
    kinds: dict[str, Callable[[], str]] = {
        "problem": lambda: next(singles),
        "solved": lambda: styled(rng, 1, chat, forbidden),
        "shots": lambda: styled(rng, rng.randint(2, SHOTS + 1), chat, forbidden),
        "gsm8k": lambda: styled(rng, 1, chat, forbidden, 1.0),
        "shots8k": lambda: styled(rng, rng.randint(2, SHOTS + 1), chat, forbidden, 1.0),
        "help": lambda: help_anybody(rng, chat),
        "guarded": lambda: guarded(rng, chat, {kind: world.known(kind) for kind in world.KINDS}),
        "guarded_first": lambda: guarded(rng, chat, {kind: guarded_first(kind) for kind in world.KINDS}),
        "refuse": lambda: refused(rng, chat),
        "benign": lambda: benign(rng, chat),
    }
    while True:
        yield kinds[rng.choices(list(mix), list(mix.values()))[0]]()
