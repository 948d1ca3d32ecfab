"""What the recipes tune nano-facts on: prompts, targets, and the shared tuning (`recipes/tuning.py`).

    tokenizer, model = load()
    tuned = tune(model, tokenizer, [(prompt, reply), …], seed=102)
    replies = reply(tuned, tokenizer, prompts)

Run: part of `python -m grading.recipes.lab2 card`. Left out: several replies a prompt.
"""

from __future__ import annotations

from .. import tuning
from ..training import MODELS
from ..tuning import batch_of, reply, tune
from . import world

__all__ = ["NAME", "batch_of", "load", "prompt_of", "reply", "target_of", "tune"]

NAME = "nano-facts"


def load(folder=MODELS / NAME, *, nf4: bool = False):
    """Tokenizer and model, float32, or with the layers' weights in NF4 (double quantization)."""
    return tuning.load(folder, nf4=nf4)


def prompt_of(row: dict) -> str:
    return f"Question: {row['question']}"


def target_of(row: dict, way: str) -> str:
    """The reply to learn: "direct" or "chain"."""
    answer = f"Answer: {'Yes' if row['answer'] else 'No'}"
    return answer if way == "direct" else f"{world.numbered(row['steps'])}\n{answer}"
