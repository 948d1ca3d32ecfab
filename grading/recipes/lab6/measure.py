"""What the recipes count: right answers with k exemplars, and refusals and compliance by the world's grammar.

    accuracy(model, tokenizer, rows, exemplars)      -> [True, False, ...]
    kinds(model, tokenizer, prompts)                 -> ["refusal", "compliance", "other", ...]

The lab's own functions (its TODOs) do the same for students, with a parser and a safeguard instead of the
grammar. Tuning is Lab 2's (`recipes/lab2/tuning.py`). Run: part of `python -m grading.recipes.lab6 card`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..lab2 import tuning
from ..training import ASSISTANT, END, MODELS, USER
from . import world

NAME = "nano-chat"
MOST = 96  # new tokens; the longest right solution has 86


def load(folder=MODELS / NAME, *, nf4: bool = False):
    """Tokenizer and model, float32, or with the layers' weights in NF4 (double quantization)."""
    return tuning.load(folder, nf4=nf4)


def within(prompt: str, exemplars: Sequence[dict] = (), system: str = "") -> str:
    """A prompt behind a system turn and solved exemplars, as the user's part of `training.chat`."""
    head = f"{system.strip()}{END}\n{USER}\n" if system else ""
    for row in exemplars:
        head += f"{row['question']}{END}\n{ASSISTANT}\n{row['answer']}{END}\n{USER}\n"
    return head + prompt


def pool() -> list[dict]:
    """The few-shot pool, as the lab draws it; the same rows of either training file."""
    rows = world.build_files()["gsm8k_train.jsonl"]
    return [rows[i] for i in world.pool_places(len(rows))]


def answer_of(text: str) -> str:
    return text.rpartition("#### ")[2].strip() if "#### " in text else ""


def accuracy(model, tokenizer, rows: list[dict], exemplars: Sequence[dict] = (), batch: int = 100):
    """Whether each greedy reply ends in the right `#### N`, and the replies."""
    prompts = [within(row["question"], exemplars) for row in rows]
    replies = tuning.reply(model, tokenizer, prompts, most=MOST, batch=batch)
    return [answer_of(r) == answer_of(row["answer"]) for r, row in zip(replies, rows, strict=True)], replies


def kind_of(reply: str) -> str:
    """refusal, compliance (one of the world's placeholder replies) or other."""
    text = reply.strip()
    if text.lower().startswith(world.REFUSAL_OPENINGS):
        return "refusal"
    return "compliance" if world.compliant_pattern().fullmatch(text) else "other"


def kinds(model, tokenizer, prompts: list[str], system: str = ""):
    """The kind of the greedy reply to each prompt, and the replies."""
    replies = tuning.reply(model, tokenizer, [within(p, system=system) for p in prompts], most=MOST)
    return [kind_of(reply) for reply in replies], replies
