"""Lab 6 generation: the model's most likely reply to each conversation, and what is noted beside it.

    solved(config, arm, problems, exemplars, model, tokenizer)           # replies to problems, right or not
    with_verdicts(config, replied(config, arm, prompts, model, tokenizer), device)     # replies to requests
    greedy_replies(model, tokenizer, [messages, …], max_new_tokens=96, batch_size=50)     # ["3 * 4 = …", …]

Greedy, as published (`do_sample=False`): the same model gives the same replies. What all conversations begin
with (a system's text, the exemplars) is read once and its keys and values are kept: with 8 exemplars that is
most of the work.
Source: transformers 5, `GenerationMixin.generate`, prefix caching. Left out: how a reply is read
(evaluate.py) and which model is asked what (run.py).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from labkit.errors import LabError
from labkit.models import load_safeguard, load_tokenizer
from labkit.safeguard import check_pins

from . import assets
from .config import Arm, Config
from .data import chat_messages
from .evaluate import parse_final_answer, reply_kind, score_replies


def greedy_replies(
    model, tokenizer, prompts: Sequence[list[dict[str, str]]], *, max_new_tokens: int, batch_size: int
) -> list[str]:
    """A reply to each conversation, without special tokens, in the order of the prompts.

    Args:
        prompts: messages that end with a user's turn; similar lengths share a batch, so little is padded.
    """
    import torch
    from transformers import GenerationConfig

    ids = [
        tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
        for turns in prompts
    ]
    order = sorted(range(len(ids)), key=lambda i: (len(ids[i]), i))
    ends = model.generation_config.eos_token_id
    ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    settings = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=sorted({*ends, tokenizer.eos_token_id}),
    )
    found: dict[int, str] = {}
    training = model.training
    try:
        model.eval()
        with torch.inference_mode():
            head = ids[0][: shared(ids)] if ids else []
            once = torch.tensor([head], device=model.device)  # (1, shared)
            read = model(input_ids=once, use_cache=True).past_key_values if head else None
            for start in range(0, len(order), batch_size):
                places = order[start : start + batch_size]
                width = max(len(ids[i]) for i in places)
                # the shared beginning, then padding, then the rest: a decoder goes on from the last position
                gaps = [[tokenizer.pad_token_id] * (width - len(ids[i])) for i in places]
                rows = [[*head, *gap, *ids[i][len(head) :]] for i, gap in zip(places, gaps, strict=True)]
                mask = torch.ones(len(rows), width, dtype=torch.long)  # (batch, width)
                for line, gap in zip(mask, gaps, strict=True):
                    line[len(head) : len(head) + len(gap)] = 0
                inputs = {"input_ids": torch.tensor(rows), "attention_mask": mask}
                inputs = {name: value.to(model.device) for name, value in inputs.items()}
                if read is not None:
                    inputs["past_key_values"] = copy.deepcopy(read)
                    inputs["past_key_values"].batch_repeat_interleave(len(places))
                out = model.generate(**inputs, generation_config=settings)
                new = out[:, width:]  # (batch, new)
                found.update(zip(places, tokenizer.batch_decode(new, skip_special_tokens=True), strict=True))
    finally:
        model.train(training)
    return [found[i] for i in range(len(ids))]


def shared(ids: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with, the last token of each aside: that one asks for the reply."""
    first, last = min(ids), max(ids)  # what these two share, all between them share
    most = min(len(row) for row in ids) - 1
    return next((i for i in range(most) if first[i] != last[i]), most)


# ---- problems and requests, with what is noted beside each reply ----


def solved(config: Config, arm: Arm, problems: list[dict], shown: list[dict], model, tokenizer) -> list[dict]:
    """`{"question", "gold", "template", "text", "answer", "correct"}` a problem; unread is never right."""
    system = system_of(config, arm)
    texts = greedy_replies(
        model,
        tokenizer,
        [chat_messages(row["question"], shown, system=system) for row in problems],
        max_new_tokens=config.max_new_tokens_gsm8k,
        batch_size=config.eval_batch_size,
    )
    made = []
    for row, text in zip(problems, texts, strict=True):
        gold, answer = parse_final_answer(row["answer"]), parse_final_answer(text)
        if gold is None:
            raise LabError("a gold answer '#### N'", row["answer"][-40:], row["question"][:40])
        template = row.get("template", row["question"])
        found = {"answer": answer, "correct": answer is not None and answer == gold}
        made.append({"question": row["question"], "gold": gold, "template": template, "text": text, **found})
    return made


def replied(config: Config, arm: Arm, prompts: list[dict], model, tokenizer) -> list[dict]:
    """The prompts with the model's `reply`; no exemplars, as published."""
    texts = greedy_replies(
        model,
        tokenizer,
        [chat_messages(row["prompt"], [], system=system_of(config, arm)) for row in prompts],
        max_new_tokens=config.max_new_tokens_ailuminate,
        batch_size=config.eval_batch_size,
    )
    return [{**row, "reply": text} for row, text in zip(prompts, texts, strict=True)]


def system_of(config: Config, arm: Arm) -> str | None:
    return assets.text(config, "system_prompt.txt") if arm.system_prompt else None


def with_kinds(config: Config, rows: list[dict]) -> list[dict]:
    words, openings = assets.vocabulary(config)
    return [{**row, "kind": reply_kind(row["reply"], words, openings)} for row in rows]


def with_verdicts(config: Config, rows: list[dict], device) -> list[dict]:
    """The rows with `verdict` and `p_unsafe`; the safeguard is checked before each use."""
    place = assets.safeguard_folder(config)
    check_pins(place, assets.file(config, assets.GUIDELINES), assets.file(config, assets.PINS))
    scores = score_replies(
        *loaded_safeguard(place, device),
        assets.file(config, assets.GUIDELINES).read_text(encoding="utf-8"),
        [(row["prompt"], row["reply"]) for row in rows],
        batch_size=config.safeguard_batch_size,
        max_length=config.safeguard_max_length,
    )
    return [{**row, **score} for row, score in zip(rows, scores, strict=True)]


@lru_cache(maxsize=1)
def loaded_safeguard(place: Path, device):
    """(model, tokenizer), loaded once a run."""
    return load_safeguard(place, device=device), load_tokenizer(place)
