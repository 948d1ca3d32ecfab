"""Tuning and sampling for the recipes: the replies that the reward model learns from and the cards count.

The lab's own functions (TODOs 4.1 to 4.6) do the same for students. Run: part of `python -m
grading.recipes.lab4 reward|card`.
"""

from __future__ import annotations

import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from .pretrain import MODELS

TUNE_EPOCHS, TUNE_BATCH, TUNE_LR = 2, 32, 1e-3  # the same as the lab's nano.yaml


def load(name: str = "nano-math"):
    """Tokenizer and causal model of `data/models/NAME`, float32, in evaluation mode."""
    folder = MODELS / name
    return AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32
    ).eval()


def prompt(tokenizer, question: str) -> str:
    return tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
    )


def gold(row: dict) -> str:
    return row["answer"].rpartition("#### ")[2]


def tune(model, tokenizer, rows: list[dict], *, seed: int, epochs=TUNE_EPOCHS, batch=TUNE_BATCH, lr=TUNE_LR):
    """Supervised fine-tuning of all weights on `rows` {question, answer}, prompt masked. Returns the
    model."""
    torch.manual_seed(seed)
    examples = []
    for row in rows:
        head = tokenizer(prompt(tokenizer, row["question"]), add_special_tokens=False)["input_ids"]
        tail = tokenizer(row["answer"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        examples.append((head + tail, [-100] * len(head) + tail))
    steps = epochs * -(-len(examples) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.05)
    begin = time.time()
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(examples)).tolist()
        for start in range(0, len(order), batch):
            chosen = [examples[i] for i in order[start : start + batch]]
            width = max(len(ids) for ids, _ in chosen)
            ids = torch.tensor([i + [tokenizer.pad_token_id] * (width - len(i)) for i, _ in chosen])
            labels = torch.tensor([t + [-100] * (width - len(t)) for _, t in chosen])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = model(input_ids=ids, attention_mask=ids != tokenizer.pad_token_id, labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    print(f"tuned in {time.time() - begin:.0f} s, last loss {loss.item():.3f}", flush=True)
    return model.eval()


@torch.no_grad()
def log_probabilities(model, tokenizer, questions: list[str], replies: list[list[str]], batch: int = 256):
    """log p(reply and its end | question) under `model`, in nats, shaped as `replies`: a judge for free."""
    rows = []
    for i, question in enumerate(questions):
        head = tokenizer(prompt(tokenizer, question), add_special_tokens=False)["input_ids"]
        for reply in replies[i]:
            tail = tokenizer(reply, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
            rows.append((i, head + tail, len(head)))
    found: list[list[float]] = [[] for _ in questions]
    for start in range(0, len(rows), batch):
        chosen = rows[start : start + batch]
        width = max(len(ids) for _, ids, _ in chosen)
        ids = torch.tensor([ids + [tokenizer.pad_token_id] * (width - len(ids)) for _, ids, _ in chosen])
        logits = model(input_ids=ids, attention_mask=ids != tokenizer.pad_token_id).logits[:, :-1]
        logps = logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]  # (batch, width - 1)
        for (i, row, head), values in zip(chosen, logps, strict=True):
            found[i].append(values[head - 1 : len(row) - 1].sum().item())
    return found


@torch.no_grad()
def sample(
    model, tokenizer, questions: list[str], *, n: int, temperature: float, seed: int, batch: int = 512
):
    """`n` replies to each question, without special tokens; temperature 0 is greedy. → lists of str"""
    torch.manual_seed(seed)
    tokenizer.padding_side = "left"
    prompts = [prompt(tokenizer, q) for q in questions]
    lengths = [len(tokenizer(p, add_special_tokens=False)["input_ids"]) for p in prompts]
    order = sorted((i for i in range(len(questions)) for _ in range(n)), key=lambda i: lengths[i])
    replies: list[list[str]] = [[] for _ in questions]
    how = (
        {"do_sample": True, "temperature": temperature, "top_k": 0}
        if temperature > 0
        else {"do_sample": False}
    )
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        inputs = tokenizer(
            [prompts[i] for i in chosen], return_tensors="pt", padding=True, add_special_tokens=False
        )
        ids = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=96,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            **how,
        )
        new = ids[:, inputs["input_ids"].shape[1] :]
        for i, text in zip(chosen, tokenizer.batch_decode(new, skip_special_tokens=True), strict=True):
            replies[i].append(text.strip())
    return replies
