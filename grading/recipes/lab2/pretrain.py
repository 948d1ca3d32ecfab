"""Recipe of `nano-facts`: tokenizer, corpus, pre-training. Seeds fixed, CPU only, a quarter of an hour.

Run: `python -m grading.recipes.lab2 pretrain`. Writes `data/models/nano-facts` (a Llama while it
learns, then put down as the same function in Phi3ForCausalLM: query, key and value are one layer, `qkv_proj`,
gate and up another, `gate_up_proj`; float16 safetensors that load as float32; tokenizer with chat template).
Left out: the loop (`recipes/training.py`).
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from ..training import (
    MODELS,
    Pretraining,
    as_phi3,
    chat,
    new_llama,
    packed,
    save,
    train,
    train_tokenizer,
    unmarked,
)
from . import corpus, world

NAME = "nano-facts"
SETTINGS = Pretraining(
    vocabulary=1536,  # every name is one token
    steps=2000,  # about 8 million tokens, each fact about 600 times
    layers=5,
    batch=16,  # facts take steps more than tokens
)
LATE = replace(SETTINGS, steps=400, peak_lr=2e-3, seed=43)  # the last part, on another mix
PIECES = r" ?\d| ?\p{L}+| ?[^\s\p{L}\d]+|\s+"  # digits single


def tokenizer_texts() -> list[str]:
    """What the tokenizer learns from: the training questions, every name, and some of the corpus."""
    rows = [row["question"] + "\n" + " ".join(row["facts"]) for row in world.draw("train")]
    everything = [f" {thing.name}" for thing in world.things() for _ in range(20)]
    documents = itertools.islice(corpus.documents(1, chat), 20_000)
    return [*rows, *everything, *map(unmarked, documents)]


def late(model, tokenizer, settings: Pretraining = LATE):
    """The last part of pre-training; returns the model."""
    rows = packed(corpus.documents(settings.seed, chat, corpus.LATE_MIX), settings, tokenizer)
    train(model, rows, settings)
    return model


def pretrain(folder: Path = MODELS / NAME, settings: Pretraining = SETTINGS, end: Pretraining = LATE) -> None:
    """The whole recipe."""
    tokenizer = train_tokenizer(tokenizer_texts(), settings, PIECES)
    model = new_llama(settings, tokenizer)
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters, vocabulary {len(tokenizer)}", flush=True
    )
    rows = packed(corpus.documents(settings.seed, chat), settings, tokenizer)
    train(model, rows, settings)
    model = as_phi3(model.half().float())  # as it is stored
    save(late(model, tokenizer, end), tokenizer, folder)
