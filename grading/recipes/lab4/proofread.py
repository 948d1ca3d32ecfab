"""First lesson of the reward model: proofreading. Which digits and signs of a worked solution were changed?

A right/wrong label is one bit a reply, too little to teach a small model to recompute. Here up to a third of
a solution's digits and signs is replaced, and every one of them is a lesson: was it changed, and what stood
there? Run: part of `python -m grading.recipes.lab4 reward`. Source of the idea: ELECTRA, Clark et al. 2020
(arXiv 2003.10555).
"""

from __future__ import annotations

import random
import time

import torch

from . import sampling

SHARE = 0.3  # of the digits and signs that may be changed; each solution draws its own share up to this


def corrupt(ids: list[int], start: int, swaps: dict[int, list[int]], rng: random.Random) -> list[int]:
    """The same tokens, some of those from `start` on replaced by another of their kind (`swaps`)."""
    share = rng.random() * SHARE
    return [
        rng.choice([other for other in swaps[token] if other != token])
        if position >= start and token in swaps and rng.random() < share
        else token
        for position, token in enumerate(ids)
    ]


def proofread(
    model, tokenizer, pairs: list[tuple[str, str]], parameters, *, steps: int, batch: int, seed: int
):
    """Train the backbone on worked solutions `(question, answer)`; `parameters` are AdamW's groups."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    digits = [tokenizer.convert_tokens_to_ids(digit) for digit in "0123456789"]
    signs = [tokenizer(f"1 {sign} 1", add_special_tokens=False)["input_ids"][1] for sign in "+-*/"]
    swaps = {token: kind for kind in (digits, signs) for token in kind}
    examples = []
    for question, answer in pairs:
        head = tokenizer(sampling.prompt(tokenizer, question), add_special_tokens=False)["input_ids"]
        examples.append(
            (head + tokenizer(f"{answer}<|end|>\n", add_special_tokens=False)["input_ids"], len(head))
        )
    changed_head = torch.nn.Linear(model.config.hidden_size, 1)
    rates = [group["lr"] for group in parameters]
    optimizer = torch.optim.AdamW(
        [*parameters, {"params": changed_head.parameters(), "lr": rates[0]}], weight_decay=0.05
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [*rates, rates[0]], total_steps=steps, pct_start=0.05
    )
    begin = time.time()
    model.train()
    for step in range(steps):
        chosen = sorted(rng.sample(examples, batch), key=lambda example: len(example[0]))
        width = len(chosen[-1][0])
        pad = tokenizer.pad_token_id
        gold = torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in chosen])
        seen = torch.tensor([corrupt(ids, at, swaps, rng) + [pad] * (width - len(ids)) for ids, at in chosen])
        answer = torch.arange(width)[None] >= torch.tensor([at for _, at in chosen])[:, None]
        lesson = answer & torch.isin(gold, torch.tensor(list(swaps)))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = model.model(input_ids=seen, attention_mask=seen != pad).last_hidden_state[lesson]
            changed = changed_head(hidden).squeeze(-1).float()
            stood = (hidden @ model.model.embed_tokens.weight.T).float()
        truth = (seen != gold)[lesson].float()
        which = torch.nn.functional.cross_entropy(stood, gold[lesson])
        whether = torch.nn.functional.binary_cross_entropy_with_logits(changed, truth)
        (which + whether).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if (step + 1) % 50 == 0:
            repaired = (stood.argmax(-1) == gold[lesson])[truth > 0].float().mean().item()
            print(
                f"proofreading {step + 1}/{steps}  changed {whether.item():.3f}  repaired {repaired:.2f}"
                f"  {time.time() - begin:.0f} s",
                flush=True,
            )
