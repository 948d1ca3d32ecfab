"""Recipe of `nano-math`: tokenizer, corpus, pre-training. Seeds fixed, CPU only, about a quarter of an hour
on 2 cores.

Run: `python -m grading.recipes.lab4 pretrain`. Writes `data/models/nano-math` (real LlamaForCausalLM, float16
safetensors that load as float32, tokenizer with chat template). Left out: the loop (`recipes/training.py`).
"""

from __future__ import annotations

from pathlib import Path

from ..training import (
    CHAT_TEMPLATE,
    MODELS,
    Pretraining,
    chat,
    new_llama,
    packed,
    save,
    train,
    train_tokenizer,
    unmarked,
)
from . import corpus, world

__all__ = ["CHAT_TEMPLATE", "MODELS", "SETTINGS", "chat", "pretrain"]

SETTINGS = Pretraining(vocabulary=1280, steps=1500)  # about 12 million tokens
PIECES = r" [-+*/=] |\d| ?\p{L}+| ?[^\s\p{L}\d]+|\s+"  # digits single, ` + ` one token


def tokenizer_texts() -> list[str]:
    """What the tokenizer learns from: the training file and some of the corpus."""
    problems = world.build_files()["gsm_symbolic_train_4500_student.jsonl"]
    text = [row["question"] + "\n" + row["answer"] for row in problems]
    return text + [unmarked(d) for d in corpus.documents(20_000, 1, chat, set())]


def corpus_rows(settings: Pretraining, tokenizer):
    """The corpus, packed; no question of a data file is in it."""
    wanted = settings.steps * settings.batch * settings.block
    forbidden = {row["question"] for rows in world.build_files().values() for row in rows}
    stream = corpus.documents(wanted // 40, settings.seed, chat, forbidden)
    return packed(stream, settings, tokenizer)


def pretrain(folder: Path = MODELS / "nano-math", settings: Pretraining = SETTINGS) -> None:
    """The whole recipe."""
    tokenizer = train_tokenizer(tokenizer_texts(), settings, PIECES)
    model = new_llama(settings, tokenizer)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, vocabulary {len(tokenizer)}")
    train(model, corpus_rows(settings, tokenizer), settings)
    save(model, tokenizer, folder)
