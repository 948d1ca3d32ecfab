"""Lab 3 batches: from pairs of texts to padded rows of ids, and log-probabilities for all of them.

    rows = encode_pairs(pairs, tokenizer, max_length=256)  # [{"prompt_ids", "chosen_ids", "rejected_ids"}, …]
    batch = collate(rows, tokenizer.pad_token_id)             # first all chosen rows, then all rejected ones
    logps_of_pairs(model, rows, tokenizer, config, "ref")     # (chosen, rejected), each (pairs,)

Prompt and completion are tokenised together, through the chat template; the completion begins where the two
texts' ids leave the prompt's. So it is done in TRL 1.16, and so a batch of ours is one of TRL's. Left out:
the log-probabilities of one batch (3.1, 3.9).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from labkit.errors import LabError

from .config import Config
from .method import completion_logps, reference_logps


def messages_of(pair: dict) -> dict[str, list[dict[str, str]]]:
    """A pair as conversations, the form that TRL reads."""
    said = {name: [{"role": "assistant", "content": pair[name]}] for name in ("chosen", "rejected")}
    return {"prompt": [{"role": "user", "content": pair["prompt"]}], **said}


def prompt_ids_of(tokenizer, prompt: str) -> list[int]:
    """Ids of a user's turn and the opening of the assistant's."""
    turns = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def encode_pairs(pairs: Sequence[dict], tokenizer, max_length: int) -> list[dict[str, list[int]]]:
    """Ids of each pair. Raises LabError: a prompt that alone fills `max_length`, or texts that are the same
    once they are cut."""
    rows = []
    for pair in pairs:
        turns = messages_of(pair)
        prompt = prompt_ids_of(tokenizer, pair["prompt"])
        whole = {}
        for name in ("chosen", "rejected"):
            text = tokenizer.apply_chat_template(turns["prompt"] + turns[name], tokenize=False)
            whole[name] = list(tokenizer(text, add_special_tokens=False)["input_ids"])
        shared = min(common_prefix(prompt, ids) for ids in whole.values())
        if shared >= max_length:
            raise LabError(
                f"a prompt below max_length = {max_length} tokens", f"{shared}", pair.get("qid", "")
            )
        row = {f"{name}_ids": ids[shared:max_length] for name, ids in whole.items()}
        if row["chosen_ids"] == row["rejected_ids"]:
            wanted = f"texts that differ within max_length = {max_length} tokens"
            raise LabError(wanted, "the same twice", pair.get("qid", ""))
        rows.append({"prompt_ids": prompt[:shared], **row})
    return rows


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """How many ids two rows share at their beginning."""
    limit = min(len(first), len(second))
    return next((i for i in range(limit) if first[i] != second[i]), limit)


def collate(rows: Sequence[dict], pad_token_id: int, device: str | torch.device = "cpu") -> dict:
    """`{"input_ids", "attention_mask", "completion_mask"}`, (2 · pairs, seq), padded on the right."""
    texts = [(row["prompt_ids"], row[f"{side}_ids"]) for side in ("chosen", "rejected") for row in rows]
    width = max(len(prompt) + len(completion) for prompt, completion in texts)
    batch: dict[str, list[list[int]]] = {"input_ids": [], "attention_mask": [], "completion_mask": []}
    for prompt, completion in texts:
        size = len(prompt) + len(completion)
        gap = [0] * (width - size)
        batch["input_ids"].append([*prompt, *completion, *[pad_token_id] * len(gap)])
        batch["attention_mask"].append([1] * size + gap)
        batch["completion_mask"].append([0] * len(prompt) + [1] * len(completion) + gap)
    return {name: torch.tensor(values, device=device) for name, values in batch.items()}


def policy_logps(model, batch: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """(chosen, rejected) log-probabilities of a batch under the model as it is, with their gradient."""
    output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False)
    chosen, rejected = completion_logps(output.logits, batch["input_ids"], batch["completion_mask"]).chunk(2)
    return chosen, rejected


def logps_of_pairs(model, rows: Sequence[dict], tokenizer, config: Config, mode: str) -> torch.Tensor:
    """(2, pairs): log-probabilities of all chosen and all rejected texts; `mode` as in `reference_logps`."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["prompt_ids"]) + len(rows[i]["chosen_ids"]))
    found = torch.zeros(2, len(rows))
    for start in range(0, len(order), config.eval_batch_size):
        places = order[start : start + config.eval_batch_size]
        batch = collate([rows[i] for i in places], tokenizer.pad_token_id, model.device)
        found[:, places] = reference_logps(model, batch, mode, completion_logps).cpu().reshape(2, -1)
    return found
