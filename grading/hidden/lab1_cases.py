"""Prompts, targets, and what their ids and labels must be: tokenised here, in the trusted process."""

from __future__ import annotations

import functools

import numpy as np

from labkit import fixtures
from labkit.testing import mistake

from .lab1_oracles import pick

IGNORE = -100
Rows = dict[str, list[list[int]]]


@functools.cache
def tokenizer(name: str = "tiny_tokenizer"):
    return fixtures.make(name)


def ids(text: str) -> list[int]:
    """Ids of a text alone. All tiny tokenizers have the same vocabulary."""
    return list(tokenizer()(text, add_special_tokens=False)["input_ids"])


def end() -> int:
    return tokenizer().eos_token_id


def excerpt(rng: np.random.Generator, sentences: int = 1) -> str:
    things = ["The MOV word copies", "Rung 4 energises", "The parser accepts", "PTE bit 5 allows"]
    return " ".join(f"{pick(rng, things)} {int(rng.integers(2, 4000))} bytes." for _ in range(sentences))


def target(rng: np.random.Generator) -> str:
    kind = pick(rng, ["Read/Write gadget", "BOOL tag", "jump"])
    return f"gadget_type: {kind}; location: line {int(rng.integers(1, 400))}; explanation: it does so."


def examples(rng: np.random.Generator, sizes: tuple[int, ...]) -> dict[str, list[str]]:
    """A batch of prompts of so many sentences, with a column that must be ignored."""
    prompts = [f"Task: name it.\n\nExcerpt:\n{excerpt(rng, size)}\n\nAnswer:" for size in sizes]
    return {"prompt": prompts, "target": [target(rng) for _ in sizes], "frame": ["f1"] * len(sizes)}


# ---- encoder-decoder ----


def seq2seq_rows(batch: dict, longest: int, longest_target: int, ends: bool) -> Rows:
    """ends: the tokenizer puts its end token behind every text, and keeps it when it cuts."""
    rows: Rows = {"input_ids": [], "attention_mask": [], "labels": []}
    for prompt, answer in zip(batch["prompt"], batch["target"], strict=True):
        own = [end()] if ends else []
        row = ids(prompt)[: longest - len(own)] + own
        rows["input_ids"].append(row)
        rows["attention_mask"].append([1] * len(row))
        rows["labels"].append((ids(answer) + [end()])[:longest_target])
    return rows


def seq2seq_mistake(got: object, batch: dict, longest: int, longest_target: int, ends: bool) -> str:
    """Words for what is wrong with rows of 1.2, by what a likely mistake would give."""
    want = seq2seq_rows(batch, longest, longest_target, ends)
    if not isinstance(got, dict) or got.keys() != want.keys():
        return (
            "the result is a dict of three columns: input_ids, attention_mask and labels; others are ignored"
        )
    full = seq2seq_rows(batch, 10_000, 10_000, ends)
    bare = [ids(answer) for answer in batch["target"]]
    pad = tokenizer().pad_token_id
    width = max(len(row) for row in want["labels"])
    heads = [ids(prompt) for prompt in batch["prompt"]]
    likely = {
        "the end token is missing from the labels: the decoder would never stop": [
            row[:longest_target] for row in bare
        ],
        "the end token is there twice: tokenise the target with add_special_tokens=False, or add none": [
            (row + [end(), end()])[:longest_target] for row in bare
        ],
        "labels weren't cut at max_target_length": full["labels"],
        "the end token was put back after the cut; a target that was cut off has no end": [
            row if len(row) < longest_target else [*row[: longest_target - 1], end()]
            for row in want["labels"]
        ],
        "labels were padded with the pad token: padding would be learned": [
            row + [pad] * (width - len(row)) for row in want["labels"]
        ],
        "labels were padded; the rows keep their own lengths, padding is the collator's work": [
            row + [IGNORE] * (width - len(row)) for row in want["labels"]
        ],
        "labels were padded to max_target_length; the rows keep their own lengths": [
            row + [pad] * (longest_target - len(row)) for row in want["labels"]
        ],
        "the prompt is in the labels; an encoder-decoder gets it on the other side": [
            [IGNORE] * len(head) + row for head, row in zip(heads, want["labels"], strict=True)
        ],
        "labels were cut at max_input_length": [(row + [end()])[:longest] for row in bare],
    }
    if got["labels"] != want["labels"]:
        return mistake(
            got["labels"], likely, "labels: the target's ids, then the end token, cut on the right"
        )
    likely = {
        "the tokenizer's own end token is missing from the input": [head[:longest] for head in heads],
        "the end token was added to the input by hand; only the tokenizer adds special tokens there": [
            row + [end()] for row in want["input_ids"]
        ],
        "input_ids weren't cut at max_input_length": full["input_ids"],
        "the input was cut behind the tokenizer: its own end token got lost": [
            row[:longest] for row in full["input_ids"]
        ],
        "the input was cut at max_target_length": seq2seq_rows(batch, longest_target, 1, ends)["input_ids"],
        "the target was put behind the prompt; an encoder-decoder gets it as labels": [
            head + row for head, row in zip(heads, want["labels"], strict=True)
        ],
    }
    if got["input_ids"] != want["input_ids"]:
        return mistake(
            got["input_ids"], likely, "input_ids: the prompt as the tokenizer makes and cuts it, not padded"
        )
    return "the attention mask is 1 at every position of input_ids"


# ---- decoder ----


def causal_rows(batch: dict, longest: int) -> Rows:
    rows: Rows = {"input_ids": [], "attention_mask": [], "labels": []}
    for prompt, answer in zip(batch["prompt"], batch["target"], strict=True):
        head, tail = ids(prompt), [*ids(answer), end()]
        rows["input_ids"].append((head + tail)[:longest])
        rows["attention_mask"].append([1] * len(rows["input_ids"][-1]))
        rows["labels"].append(([IGNORE] * len(head) + tail)[:longest])
    return rows


def causal_mistake(got: object, batch: dict, longest: int) -> str:
    """Words for what is wrong with rows of 1.3, by what a likely mistake would give."""
    want, full = causal_rows(batch, longest), causal_rows(batch, 10_000)
    if not isinstance(got, dict) or got.keys() != want.keys():
        return (
            "the result is a dict of three columns: input_ids, attention_mask and labels; others are ignored"
        )
    joined = [ids(p + t) + [end()] for p, t in zip(batch["prompt"], batch["target"], strict=True)]
    pad, width = tokenizer().pad_token_id, max(len(row) for row in want["input_ids"])
    likely = {
        "the end token is missing: the model would never stop": [
            row[:-1] if row[-1] == end() else row for row in want["input_ids"]
        ],
        "the rows weren't cut at max_length": full["input_ids"],
        "the left end was cut off; a long row loses its right end": [r[-longest:] for r in full["input_ids"]],
        "the end token was put back after the cut; an answer that was cut off has no end": [
            [*row[: longest - 1], end()] if len(row) > longest else row for row in full["input_ids"]
        ],
        "prompt and target were tokenised together; at test time the prompt stands alone": [
            row[:longest] for row in joined
        ],
        "rows were padded; they keep their own lengths, padding is the collator's work": [
            row + [pad] * (width - len(row)) for row in want["input_ids"]
        ],
    }
    if got["input_ids"] != want["input_ids"]:
        return mistake(got["input_ids"], likely, "input_ids: prompt, target, end token, cut on the right")
    likely = {
        "the prompt is learned too: its labels must be -100": want["input_ids"],
        "the end token is not learned: its label must be its own id, not -100": [
            [IGNORE if label == end() else label for label in row] for row in want["labels"]
        ],
        "the labels are shifted by one; the model shifts them by itself": [
            row[1:] + [IGNORE] for row in want["labels"]
        ],
        "the labels have no entries for the prompt; they need one for each input id": [
            [label for label in row if label != IGNORE] for row in want["labels"]
        ],
        "nothing is learned: every label is -100": [[IGNORE] * len(row) for row in want["labels"]],
        "the prompt's labels are 0, not -100: zeros are learned": [
            [0 if label == IGNORE else label for label in row] for row in want["labels"]
        ],
    }
    if got["labels"] != want["labels"]:
        return mistake(got["labels"], likely, "labels: -100 over the prompt, every other position its own id")
    return "the attention mask is 1 at every position of input_ids"
