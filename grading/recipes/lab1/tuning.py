"""Tuning and generation for the recipes: what the cards measure and the judge is tried on.

The lab's own functions (TODOs 1.1 to 1.6) do the same for students. Run: part of `python -m
grading.recipes.lab1 records|card`. Left out: sampling; every reply is greedy.
"""

from __future__ import annotations

import time

import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from solutions.lab1_ensemble.data import build_prompts
from solutions.lab1_ensemble.method import check_format, extract_gadget_type, normalize_gadget_type

from .lexicon import label_table
from .pretrain import MODELS, padded

EPOCHS = {"seq2seq": 8, "causal": 5}
BATCH = 16
PEAK_LR = {"seq2seq": 2e-3, "causal": 1e-3}
MOST_NEW = 64  # tokens; the longest output has about 36


def is_causal(name: str) -> bool:
    return name in ("nano-start", "nano-gpt", "nano-judge")


def load(name: str, folder=MODELS):
    """Tokenizer and model of `data/models/NAME`, float32, in evaluation mode."""
    kind = AutoModelForCausalLM if is_causal(name) else AutoModelForSeq2SeqLM
    tokenizer = AutoTokenizer.from_pretrained(folder / name)
    return tokenizer, kind.from_pretrained(folder / name, dtype=torch.float32).eval()


def prompt(row: dict, causal: bool) -> str:
    """The lab's prompt for the architecture."""
    return build_prompts(row["instruction"], row["input"])["causal" if causal else "seq2seq"]


def batch_of(tokenizer, rows: list[dict], causal: bool) -> dict[str, torch.Tensor]:
    """Labels are the output and the end token; a causal prompt is masked with −100."""
    heads = tokenizer([prompt(row, causal) for row in rows], add_special_tokens=False)["input_ids"]
    tails = tokenizer([row["output"] for row in rows], add_special_tokens=False)["input_ids"]
    tails = [ids + [tokenizer.eos_token_id] for ids in tails]
    if causal:
        ids = padded([h + t for h, t in zip(heads, tails, strict=True)], tokenizer.pad_token_id)
        labels = padded([[-100] * len(h) + t for h, t in zip(heads, tails, strict=True)], -100)
    else:
        ids, labels = padded(heads, tokenizer.pad_token_id), padded(tails, -100)
    lengths = torch.tensor([len(h) + (len(t) if causal else 0) for h, t in zip(heads, tails, strict=True)])
    mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def tune(name: str, model, tokenizer, rows: list[dict], *, seed: int, epochs=None, batch=BATCH, lr=None):
    """Supervised fine-tuning of all weights on rows {instruction, input, output}. Returns the model."""
    torch.manual_seed(seed)
    causal = is_causal(name)
    way = "causal" if causal else "seq2seq"
    lr, epochs = lr or PEAK_LR[way], epochs or EPOCHS[way]
    steps = epochs * -(-len(rows) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.1)
    begin = time.time()
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(rows)).tolist()
        for start in range(0, len(order), batch):
            inputs = batch_of(tokenizer, [rows[i] for i in order[start : start + batch]], causal)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = model(**inputs).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    print(f"{name}: tuned in {time.time() - begin:.0f} s, last loss {loss.item():.3f}", flush=True)
    return model.eval()


@torch.no_grad()
def reply(
    model, tokenizer, prompts: list[str], *, causal: bool, most: int = MOST_NEW, batch: int = 128
) -> list[str]:
    """One greedy reply to each prompt, without special tokens."""
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    replies = [""] * len(prompts)
    tokenizer.padding_side = "left" if causal else "right"
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        texts = [prompts[i] for i in chosen]
        inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        ids = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=most,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
        new = ids[:, inputs["input_ids"].shape[1] :] if causal else ids
        for i, text in zip(chosen, tokenizer.batch_decode(new, skip_special_tokens=True), strict=True):
            replies[i] = text.strip()
    tokenizer.padding_side = "right"
    return replies


def predictions(name: str, model, tokenizer, rows: list[dict]) -> list[str]:
    causal = is_causal(name)
    return reply(model, tokenizer, [prompt(row, causal) for row in rows], causal=causal)


PLAIN_TABLE = {normalize_gadget_type(label): place for label, place in label_table().items()}


def place_of(label: str | None) -> tuple[str, str] | None:
    """(type, concept) of a predicted label, None for one that the lexicon doesn't know."""
    return PLAIN_TABLE.get(normalize_gadget_type(label)) if label else None


def measure(rows: list[dict], texts: list[str]) -> dict[str, float]:
    """Shares of replies: in format, right by label after normalisation, right by type, unknown label."""
    labels = [extract_gadget_type(text) for text in texts]
    places = [place_of(label) for label in labels]
    gold = [extract_gadget_type(row["output"]) for row in rows]
    count = len(rows)
    return {
        "format": sum(check_format(text) for text in texts) / count,
        "label": sum(
            bool(a) and normalize_gadget_type(a) == normalize_gadget_type(b)
            for a, b in zip(labels, gold, strict=True)
        )
        / count,
        "type": sum(bool(p) and p[0] == row["type"] for p, row in zip(places, rows, strict=True)) / count,
        "unknown": sum(p is None for p in places) / count,
    }
