"""Lab 5 collecting: k sampled replies a question, and the judge's probabilities before any reply.

    replies = sample_replies(model, tokenizer, records, trials=5, …)     # [["Parum", "Ost", …], …]
    probabilities = judge(model, tokenizer, records, "binary", 60)       # [[P(yes), P(no)], …]
    response = graded(record, replies[0], "share")                       # right or wrong, and an ability
    tested(response, probabilities[0], "binary")                         # a line of tested_epoch0.jsonl

What is right, what it is called and how sure a judge is are the student's (5.1, 5.2, 5.4, 5.6). Source:
transformers 5, `GenerationMixin.generate`. Left out: shards and processes (jobs.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labkit.errors import LabError

from .data import WORDS, answer_matches, answer_messages, judgment_messages, normalize_answer
from .method import ability_label, answer_probabilities

PLACE = "Reply7Place"  # stands for a reply while a template is asked where it begins
JUDGED = {"yes": "can", "uncertain": "uncertain", "no": "cannot"}


def sample_replies(
    model,
    tokenizer,
    records: Sequence[Mapping],
    *,
    trials: int,
    temperature: float,
    max_new_tokens: int,
    batch_size: int,
    seed: int,
) -> list[list[str]]:
    """`trials` sampled replies to each question; the same for the same seed.

    Args:
        records: as of `data.record_of`. batch_size: questions a batch, each with all its trials.
    """
    import torch
    from transformers import GenerationConfig

    settings = GenerationConfig(
        do_sample=True,
        temperature=temperature,
        top_k=0,
        num_return_sequences=trials,
        max_new_tokens=max_new_tokens,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=end_ids(model, tokenizer),
    )
    found: dict[int, list[str]] = {}
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.inference_mode():
        torch.manual_seed(seed)
        prompts = [prompt_of(tokenizer, answer_messages(record)) for record in records]
        for chosen, batch in batches(tokenizer, prompts, batch_size, model.device):
            out = model.generate(**batch, generation_config=settings)[:, batch["input_ids"].shape[1] :]
            texts = [text.strip() for text in tokenizer.batch_decode(out, skip_special_tokens=True)]
            found |= {i: texts[n * trials : (n + 1) * trials] for n, i in enumerate(chosen)}
    return [found[i] for i in range(len(records))]


def judge(
    model, tokenizer, records: Sequence[Mapping], label_mode: str, batch_size: int
) -> list[list[float]]:
    """How likely each word of the mode is as the reply, asked before answering; no word is generated.

    Returns one list a record, in the order of `WORDS[label_mode]`, which sums to 1. Raises LabError: words
    that the tokenizer can't tell apart.
    """
    import torch

    firsts = first_tokens(tokenizer, WORDS[label_mode])
    found: dict[int, list[float]] = {}
    prompts = [prompt_of(tokenizer, judgment_messages(record, None, label_mode)) for record in records]
    with torch.inference_mode():
        # Padded on the right: positions count from 0 in every row, and the mask says where a row ends. Only
        # the columns from the first end on are kept: a large vocabulary times all positions would not fit.
        for chosen, batch in batches(tokenizer, prompts, batch_size, model.device, side="right"):
            mask = batch["attention_mask"]
            ends = mask[:, int(mask.sum(dim=1).min()) - 1 :]
            logits = model(**batch, logits_to_keep=ends.shape[1]).logits
            found |= dict(zip(chosen, answer_probabilities(logits, ends, firsts).tolist(), strict=True))
    return [found[i] for i in range(len(records))]


def first_tokens(tokenizer, words: Sequence[str]) -> list[list[int]]:
    """For each word the tokens that it may begin with; those that two words share left out.

    "Yes" counts beside "yes" if it is one token: a "Y" alone begins many words. Raises LabError: a word that
    begins as another one does.
    """
    kinds = []
    for word in words:
        plain, capital = (
            tokenizer(spelled, add_special_tokens=False)["input_ids"] for spelled in (word, word.capitalize())
        )
        kinds.append({plain[0], *(capital if len(capital) == 1 else ())})
    own = [sorted(kind - set().union(*kinds[:i], *kinds[i + 1 :])) for i, kind in enumerate(kinds)]
    if not all(own):
        raise LabError(f"a tokenizer that tells {', '.join(words)} apart by their first token", str(kinds))
    return own


def prompt_of(tokenizer, messages: list[dict[str, str]]) -> str:
    """A conversation up to where the assistant's words begin.

    Some templates (gpt-oss) write a channel's head between the generation prompt and the words: so a reply is
    written by the template and cut off. Raises LabError: a template that doesn't write the reply as it is.
    """
    whole = tokenizer.apply_chat_template(
        [*messages, {"role": "assistant", "content": PLACE}], tokenize=False
    )
    if whole.count(PLACE) != 1:
        raise LabError("a chat template that writes a reply as it is", repr(whole[-80:]))
    return whole.partition(PLACE)[0]


def end_ids(model, tokenizer) -> list[int]:
    """The tokens that end a reply."""
    ends = model.generation_config.eos_token_id
    ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    return sorted({*ends, tokenizer.eos_token_id})


def batches(tokenizer, prompts: Sequence[str], size: int, device, side: str = "left"):
    """(indices, padded batch) of prompts of similar length; a decoder goes on from the right end."""
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
    own = tokenizer.padding_side
    try:
        tokenizer.padding_side = side
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            texts = [prompts[i] for i in chosen]
            batch = tokenizer(texts, padding=True, add_special_tokens=False, return_tensors="pt").to(device)
            yield chosen, {name: batch[name] for name in ("input_ids", "attention_mask")}
    finally:
        tokenizer.padding_side = own


# ---- from replies and probabilities to records ----


def graded(record: Mapping, replies: Sequence[str], rule: str) -> dict:
    """A line of responses.jsonl: the replies, which of them are right, and the ability they show."""
    aliases = [normalize_answer(alias) for alias in record["aliases"]]
    correct = [answer_matches(normalize_answer(reply), aliases) for reply in replies]
    about = {name: record[name] for name in ("qid", "question", "entity")}
    return {**about, "replies": list(replies), "correct": correct, "ability": ability_label(correct, rule)}


def tested(response: Mapping, probabilities: Sequence[float], label_mode: str) -> dict:
    """A line of tested_epoch<N>.jsonl: what the judge said beforehand, and what was right to say.

    `confidence`: P(yes), and half of P(uncertain) where that is a word. `target` is the word that training
    would teach now.
    """
    words = WORDS[label_mode]
    said = dict(zip(words, probabilities, strict=True))
    target = judgment_messages(response, response["ability"], label_mode)[-1]["content"]
    return {
        **{name: response[name] for name in ("qid", "question", "entity", "correct", "ability")},
        "p_yes": said["yes"],
        "confidence": said["yes"] + said.get("uncertain", 0.0) / 2,
        "judgment": max(words, key=said.__getitem__),
        "target": target,
    }
