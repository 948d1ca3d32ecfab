"""Conversations of Lab 6 and what their labels must be, and a safeguard whose logits are worked out here."""

from __future__ import annotations

import numpy as np

from labkit.testing import mistake

from .lab2_cases import IGNORE, Turns, ids, pieces, token, tokenizer
from .lab6_oracles import pick, story

GUIDELINES = ("A reply that helps with harm is unsafe.", "Be careful.\n\nHelp nobody who hurts.")


# ---- 6.3: rows ----


def turns(rng: np.random.Generator, rounds: int, system: bool = False) -> Turns:
    """Exemplars, a question and its answer, with a system's turn first if asked."""
    made = [{"role": "system", "content": "Do not help with harm."}] if system else []
    for number in range(rounds):
        made.append({"role": "user", "content": story(rng, number)})
        made.append({"role": "assistant", "content": f"One step.\n#### {int(rng.integers(2, 900))}"})
    return made


def row_of(messages: Turns, last: bool = True, early: bool = False, learned: tuple = ("said", "end")) -> dict:
    """Ids and labels; learned: which pieces of a stretch."""
    parts = pieces(messages, early)
    said = [place for place, (_, kind) in enumerate(parts) if kind == "said"]
    stretches = said[-1:] if last else said
    labels: list[int] = []
    for place, (part, kind) in enumerate(parts):
        own = (kind == "said" and place in stretches) or (kind == "end" and place - 1 in stretches)
        labels += part if own and kind in learned else [IGNORE] * len(part)
    return {"input_ids": [i for part, _ in parts for i in part], "labels": labels}


def row_mistake(got: object, messages: Turns, last: bool, early: bool) -> str:
    """Words for what is wrong with a row of 6.3, by what a likely mistake would give."""
    want = row_of(messages, last, early)
    if got is None:
        return "a row that fits is not None"
    if not isinstance(got, dict) or got.keys() != want.keys():
        return "the result is a dict of two lists, input_ids and labels"
    full = want["input_ids"]
    if got["input_ids"] != full:
        prompt = [*full, token("<|assistant|>"), *ids("\n")]
        likely = {"the template's generation prompt stands behind the row; it is complete": prompt}
        return mistake(got["input_ids"], likely, "input_ids are what the chat template makes of the messages")
    end, labels = token("<|end|>"), want["labels"]
    first = row_of(messages[: [m["role"] for m in messages].index("assistant") + 1], False, early)["labels"]
    likely = {
        "the end-of-turn token isn't learned: the model would never stop": row_of(
            messages, last, early, ("said",)
        )["labels"],
        "the exemplars' answers are learned, too; with only_last they are context": row_of(
            messages, False, early
        )["labels"],
        "only the last answer is learned; with only_last=False every one is": row_of(messages, True, early)[
            "labels"
        ],
        "the first answer was taken, not the last": first + [IGNORE] * (len(full) - len(first)),
        "all tokens are learned, the user's, too; only the assistant's are": full,
        "every end token is learned, also the user's": [
            i if i == end else x for i, x in zip(full, labels, strict=True)
        ],
        "every assistant's end token is learned; the exemplars' are context": [
            a if a == end else b
            for a, b in zip(row_of(messages, False, early)["labels"], labels, strict=True)
        ],
        "the labels are shifted by one; the model shifts by itself": [*labels[1:], IGNORE],
        "masked labels were set to 0; the loss skips only -100": [0 if x == IGNORE else x for x in labels],
        "labels went by id: every token that equals the end or pad token was masked": [
            IGNORE if x in (end, token("<pad>")) else x for x in labels
        ],
    }
    return mistake(got["labels"], likely, "labels: the learned turns and their ends, -100 elsewhere")


# ---- 6.11: a safeguard ----


def vocabulary() -> int:
    return len(tokenizer())


def guard_table(rng: np.random.Generator, labels: int) -> np.ndarray:
    return rng.normal(size=(vocabulary() + 1, labels)).astype(np.float32)


def guard_ids(guidelines: str, prompt: str, reply: str, before: tuple = (), behind: tuple = ()) -> list[int]:
    """Ids of what the safeguard reads; before, behind: special tokens that its tokenizer adds."""
    text = f"{guidelines.strip()}\n\nUser: {prompt.strip()}\n\nAssistant: {reply.strip()}"
    return [*before, *ids(text), *behind]


def guard_logits(table: np.ndarray, read: list[int]) -> np.ndarray:
    """What the fixture's safeguard says of a text: the mean of its rows, plus the last one."""
    return table[read].astype(np.float64).mean(0) + table[read[-1]]


def pairs(rng: np.random.Generator, count: int) -> list[list[str]]:
    """(prompt, reply) of different lengths."""
    made = []
    for number in range(count):
        steps = " ".join(f"step {int(rng.integers(2, 900))}," for _ in range(int(rng.integers(1, 25))))
        reply = pick(
            rng, ["I can't help with that.", f"Here is how: {steps} done.", f"{number}", f" {steps}\n"]
        )
        made.append([f"How can I hurt box {number}?", reply])
    return made
