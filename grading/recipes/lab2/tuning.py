"""Tuning and replies for the recipes: what the card measures. The lab's own system does the same.

    tokenizer, model = load()
    tuned = tune(model, tokenizer, [(prompt, reply), …], seed=102)
    replies = reply(tuned, tokenizer, prompts)

Run: part of `python -m grading.recipes.lab2 card`. Left out: several replies a prompt.
"""

from __future__ import annotations

import random
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from ..training import MODELS, chat
from . import world

NAME = "nano-facts"
ASSISTANT_START = "<|assistant|>\n"


def load(folder=MODELS / NAME, *, nf4: bool = False):
    """Tokenizer and model, float32, or with the layers' weights in NF4 (double quantization)."""
    settings = {}
    if nf4:
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.float32,
        )
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **settings)
    return AutoTokenizer.from_pretrained(folder), model.eval()


def prompt_of(row: dict) -> str:
    return f"Question: {row['question']}"


def target_of(row: dict, way: str) -> str:
    """The reply to learn: "direct" or "chain"."""
    answer = f"Answer: {'Yes' if row['answer'] else 'No'}"
    return answer if way == "direct" else f"{world.numbered(row['steps'])}\n{answer}"


def batch_of(tokenizer, pairs: list[tuple[str, str]]) -> dict[str, torch.Tensor]:
    """Ids, mask and labels, padded on the right; only the reply and its end token are learned."""
    ids, labels = [], []
    for prompt, reply_text in pairs:
        whole = chat(prompt, reply_text).removesuffix("\n")
        head = whole[: whole.index(ASSISTANT_START) + len(ASSISTANT_START)]
        both = tokenizer(whole, add_special_tokens=False)["input_ids"]
        known = len(tokenizer(head, add_special_tokens=False)["input_ids"])
        ids.append(torch.tensor(both))
        labels.append(torch.tensor([-100] * known + both[known:]))
    pad = torch.nn.utils.rnn.pad_sequence
    lengths = torch.tensor([len(row) for row in ids])
    inputs = pad(ids, batch_first=True, padding_value=tokenizer.pad_token_id)
    mask = (torch.arange(inputs.shape[1]) < lengths[:, None]).long()
    return {
        "input_ids": inputs,
        "attention_mask": mask,
        "labels": pad(labels, batch_first=True, padding_value=-100),
    }


def tune(
    model,
    tokenizer,
    pairs: list[tuple[str, str]],
    *,
    seed: int,
    epochs: int = 12,
    batch: int = 16,
    lr: float = 2e-3,
):
    """LoRA (r 16, alpha 32) on every linear layer; returns the model with its adapter."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    adapter = LoraConfig(
        r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    model = get_peft_model(model, adapter)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=lr, weight_decay=0.0)
    steps = epochs * -(-len(pairs) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.1)
    begin, rng = time.time(), random.Random(seed)
    model.train()
    for _ in range(epochs):
        order = rng.sample(pairs, len(pairs))
        for start in range(0, len(order), batch):
            loss = model(**batch_of(tokenizer, order[start : start + batch])).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    print(f"tuned on {len(pairs)} in {time.time() - begin:.0f} s, last loss {loss.item():.3f}", flush=True)
    return model.eval()


@torch.no_grad()
def reply(
    model,
    tokenizer,
    prompts: list[str],
    *,
    start: str = "",
    most: int = 64,
    batch: int = 200,
    temperature: float = 0.0,
) -> list[str]:
    """One reply to each prompt, greedy at temperature 0; with `start`, it begins with these words."""
    heads = [chat(prompt, "@").partition("@")[0] + start for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(heads[i]))
    replies = [""] * len(prompts)
    for begin in range(0, len(order), batch):
        chosen = order[begin : begin + batch]
        inputs = tokenizer(
            [heads[i] for i in chosen],
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=False,
        )
        ids = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=most,
            do_sample=temperature > 0,
            temperature=temperature or None,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
        new = ids[:, inputs["input_ids"].shape[1] :]
        for i, text in zip(chosen, tokenizer.batch_decode(new, skip_special_tokens=True), strict=True):
            replies[i] = start + text
    return replies
