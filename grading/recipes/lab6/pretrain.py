"""Recipe of `nano-chat`: goes on from nano-math, first helpful to anybody, then a short part with refusals.

Run: `python -m grading.recipes.lab6 pretrain`. Writes `data/models/nano-chat` (LlamaForCausalLM, float16
safetensors that load as float32; nano-math's tokenizer and chat template). Seeds fixed, CPU only. Left out:
the loop (`recipes/training.py`) and nano-math itself (`recipes/lab4`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..lab4 import sampling
from ..training import MODELS, Pretraining, chat, packed, save, train
from . import corpus, world

NAME = "nano-chat"
POSITIONS = 1536  # eight solved problems, a question and its reply
FIRST = Pretraining(vocabulary=1280, steps=350, block=1024, batch=8, peak_lr=2e-3, warmup=50, seed=61)
LATE = replace(FIRST, steps=300, block=512, batch=4, peak_lr=1e-3, warmup=20, seed=62)  # thin: a tenth


def forbidden() -> set[str]:
    """Every question of a problem file."""
    files = world.build_files()
    return {row["question"] for name in files if name.startswith("gsm8k") for row in files[name]}


def part(model, tokenizer, settings: Pretraining, mix: dict[str, float]):
    """One part of the training; returns the model."""
    rows = packed(corpus.documents(settings.seed, chat, mix, forbidden()), settings, tokenizer)
    train(model, rows, settings, log_every=50)
    return model


def start():
    """nano-math, with room for longer conversations: (tokenizer, model)."""
    tokenizer, model = sampling.load("nano-math")
    model.config.max_position_embeddings = tokenizer.model_max_length = POSITIONS
    return tokenizer, model


def pretrain(folder: Path = MODELS / NAME, first: Pretraining = FIRST, late: Pretraining = LATE) -> None:
    """The whole recipe."""
    tokenizer, model = start()
    part(model, tokenizer, first, corpus.FIRST)
    model.half().float()  # as if it had been saved in between: either part can be repeated by itself
    part(model, tokenizer, late, corpus.LATE)
    save(model, tokenizer, folder)
