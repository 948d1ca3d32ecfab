"""Conversations of Lab 2, and what their ids and labels must be: tokenised here, in the trusted process."""

from __future__ import annotations

import functools

import numpy as np

from labkit import fixtures
from labkit.testing import mistake

from .lab2_oracles import pick, question

IGNORE = -100
Turns = list[dict[str, str]]


@functools.cache
def tokenizer():
    return fixtures.make("tiny_tokenizer")


def ids(text: str) -> list[int]:
    """Ids of a text alone. All tiny tokenizers have the same vocabulary."""
    return list(tokenizer()(text, add_special_tokens=False)["input_ids"])


def token(text: str) -> int:
    return tokenizer().convert_tokens_to_ids(text)


def turns(rng: np.random.Generator, rounds: int, system: bool = False) -> Turns:
    """Rounds of a question and an answer, with a system's turn first if asked."""
    made = [{"role": "system", "content": "You answer yes or no."}] if system else []
    for _ in range(rounds):
        made.append({"role": "user", "content": f"Question: {question(rng)}"})
        steps = " ".join(f"{int(rng.integers(2, 900))} is less." for _ in range(int(rng.integers(1, 4))))
        made.append({"role": "assistant", "content": f"{steps}\nAnswer: {pick(rng, ['Yes', 'No'])}"})
    return made


def pieces(messages: Turns, early: bool = False) -> list[tuple[list[int], str]]:
    """The row in pieces, (ids, what they are): "head", "said" by the assistant, its "end", or "other".

    early: the template closes its marker before the end token. Otherwise there is no line end behind the
    marker: the template engine drops one that follows a tag.
    """
    end, line = token("<|end|>"), ids("\n")
    made: list[tuple[list[int], str]] = []
    for message in messages:
        made.append(([token(f"<|{message['role']}|>"), *line], "head"))
        said = message["role"] == "assistant"
        made.append((ids(message["content"]), "said" if said else "other"))
        made.append(([end], "end" if said else "other"))
        if early or not said:
            made.append((line, "other"))
    return made


def row_of(
    messages: Turns, longest: int, learned: tuple[str, ...] = ("said", "end"), early: bool = False
) -> dict:
    parts = pieces(messages, early)
    row = [i for part, _ in parts for i in part]
    labels = [i if kind in learned else IGNORE for part, kind in parts for i in part]
    return {
        "input_ids": row[:longest],
        "attention_mask": [1] * len(row[:longest]),
        "labels": labels[:longest],
    }


def row_mistake(got: object, messages: Turns, longest: int, early: bool = False) -> str:
    """Words for what is wrong with a row of 2.5, by what a likely mistake would give."""
    all_of = functools.partial(row_of, messages, 10_000, early=early)
    want = row_of(messages, longest, early=early)
    if not isinstance(got, dict) or got.keys() != want.keys():
        return "the result is a dict of three lists: input_ids, attention_mask and labels"
    if got["input_ids"] != want["input_ids"]:
        full = all_of()["input_ids"]
        flat = full[len(full) - longest :]
        prompt = [*full, token("<|assistant|>"), *ids("\n")]
        likely = {
            "the row wasn't cut at max_length": full,
            "the row lost its left end; the right end goes": flat,
            "the template's generation prompt stands behind the row; the conversation is complete": prompt[
                :longest
            ],
            "the end token was put back after the cut": [*want["input_ids"][:-1], token("<|end|>")],
        }
        return mistake(got["input_ids"], likely, "input_ids: the chat template's ids, cut on the right")
    end, pad = token("<|end|>"), token("<pad>")
    full = all_of()
    closing = max(i for i, label in enumerate(full["labels"]) if label == end)
    last = [m["role"] for m in messages].index("assistant")
    first_only = row_of(messages[: last + 1], 10_000, early=early)["labels"]
    likely = {
        "the end-of-turn token isn't learned: the model would never stop": row_of(
            messages, longest, ("said",), early
        ),
        "only the last end-of-turn token is learned; every assistant's turn ends": {
            "labels": [
                IGNORE if label == end and i != closing else label for i, label in enumerate(full["labels"])
            ][:longest]
        },
        "every end token is learned, also the user's": {
            "labels": [i if i == end else x for i, x in zip(full["input_ids"], full["labels"], strict=True)][
                :longest
            ]
        },
        "the token behind the assistant's stretch is learned only if it is the end token": {
            "labels": _with_next(messages, early, [])[:longest]
        },
        "an end token is learned only right behind the assistant's stretch, not the user's": {
            "labels": _with_next(messages, early, [end])[:longest]
        },
        "all tokens are learned; only the assistant's are": {"labels": want["input_ids"]},
        "only the first assistant's turn is learned; every one is": {
            "labels": (first_only + [IGNORE] * len(full["labels"]))[: len(want["labels"])]
        },
        "the head of the assistant's turn is learned; it is part of the prompt": {
            "labels": _with_heads(messages, early)[:longest]
        },
        "the line end behind the end token is learned; the template writes it": {
            "labels": _with_line_ends(messages, early)[:longest]
        },
        "the labels are shifted by one; the model shifts by itself": {
            "labels": [*want["labels"][1:], IGNORE]
        },
        "masked labels were set to the pad token; the loss skips only -100": {
            "labels": [pad if label == IGNORE else label for label in want["labels"]]
        },
        "labels went by id: every token that equals pad or end was masked": {
            "labels": [IGNORE if label in (end, pad) else label for label in want["labels"]]
        },
    }
    if got["labels"] != want["labels"]:
        found = {words: value["labels"] for words, value in likely.items()}
        return mistake(got["labels"], found, "labels: the assistant's tokens and its end, -100 elsewhere")
    return "the attention mask is 1 at every position of input_ids"


def _with_heads(messages: Turns, early: bool) -> list[int]:
    parts, made = pieces(messages, early), []
    for number, (part, kind) in enumerate(parts):
        head = kind == "head" and parts[number + 1][1] == "said"
        made += part if head or kind in ("said", "end") else [IGNORE] * len(part)
    return made


def _with_next(messages: Turns, early: bool, only: list[int]) -> list[int]:
    """The next token behind each stretch is learned too; only: the next of these, wherever it is."""
    made, waiting = [], False
    for part, kind in pieces(messages, early):
        for token_id in part:
            own = kind in ("said", "end")
            extra = waiting and not own and not early and (not only or token_id in only)
            made.append(token_id if own or extra else IGNORE)
            waiting = own or (waiting and bool(only) and not extra)
    return made


def _with_line_ends(messages: Turns, early: bool) -> list[int]:
    parts, made = pieces(messages, early), []
    for number, (part, kind) in enumerate(parts):
        behind = number > 0 and parts[number - 1][1] == "end"
        made += part if behind or kind in ("said", "end") else [IGNORE] * len(part)
    return made
