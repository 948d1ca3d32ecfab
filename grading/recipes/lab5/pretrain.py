"""Recipe of `nano-trivia`: tokenizer, corpus, pre-training. Seeds fixed, CPU only.

Run: `python -m grading.recipes.lab5 pretrain`. Writes `data/models/nano-trivia` (LlamaForCausalLM; float16
safetensors that load as float32; tokenizer with chat template). Left out: the loop (`recipes/training.py`).
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from ..training import MODELS, Pretraining, chat, new_llama, packed, save, train, train_tokenizer, unmarked
from . import corpus, world

NAME = "nano-trivia"
SETTINGS = Pretraining(
    vocabulary=1700,  # every half of a name and nearly every value is one token
    steps=1800,  # the length of the learning-rate schedule
    layers=5,
    batch=16,  # facts take steps more than tokens
)
FIRST = 1200  # steps of it that are made: by then the well-known facts begin to sit
LATE = replace(SETTINGS, steps=400, peak_lr=1.5e-3, warmup=20, seed=43)  # the last part, on another mix
LAST = replace(LATE, steps=300, peak_lr=1.2e-3, seed=44)  # and on a third
PIECES = r" ?\d| ?\p{L}+| ?[^\s\p{L}\d]+|\s+"
# The lab's prompts have words that the corpus doesn't have: here they become tokens.
PROMPTS = (
    "Can you answer this question correctly? Reply yes or no. "
    "Reply yes, uncertain or no.\nuncertain\nyes\nno\n"
)


def tokenizer_texts() -> list[str]:
    """What the tokenizer learns from: halves of names, all as often; values; some of the corpus."""
    lexicon = world.lexicon()
    halves = [half for words in lexicon.names.values() for half in words]
    first = lexicon.names["person", "first"]
    values = [alias for values in lexicon.values.values() for value in values for alias in value.aliases]
    words = [" " + word for word in (*halves, *values)] + ["\n" + word for word in (*values, *first)]
    documents = itertools.islice(corpus.documents(1, chat), 20_000)
    return (
        [text for text in words for _ in range(40)] + [PROMPTS] * 400 + [unmarked(text) for text in documents]
    )


def go_on(model, tokenizer, settings: Pretraining, mix: dict):
    """A later part of pre-training, from the weights as they would be stored; returns the model."""
    for weight in model.parameters():
        weight.data = weight.data.half().float()
    train(model, packed(corpus.documents(settings.seed, chat, mix), settings, tokenizer), settings)
    return model


def pretrain(folder: Path = MODELS / NAME) -> None:
    """The whole recipe."""
    tokenizer = train_tokenizer(tokenizer_texts(), SETTINGS, PIECES)
    model = new_llama(SETTINGS, tokenizer)
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters, vocabulary {len(tokenizer)}", flush=True
    )
    rows = packed(corpus.documents(SETTINGS.seed, chat), SETTINGS, tokenizer)
    train(model, rows[: FIRST * SETTINGS.batch], SETTINGS)
    for settings, mix in ((LATE, corpus.LATE_MIX), (LAST, corpus.LAST_MIX)):
        model = go_on(model, tokenizer, settings, mix)
    save(model, tokenizer, folder)
