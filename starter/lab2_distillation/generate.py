"""Lab 2 generation: replies of a model to chat prompts, greedy or sampled, in batches.

    texts = replies(model, tokenizer, [messages, …], max_new_tokens=80, batch_size=100)
    [("1. …\\nAnswer: Yes", "1. The"), …]            # the whole reply, and its first tokens alone

The published evaluator let the model write 5 tokens and looked at these; a greedy reply of 5 tokens is the
beginning of the longer one, so one generation serves both evaluators. Source: transformers 5,
`GenerationMixin.generate`. Left out: scoring.
"""

from __future__ import annotations

from collections.abc import Sequence

from .published import PUBLISHED_NEW_TOKENS


def replies(
    model,
    tokenizer,
    prompts: Sequence[list[dict[str, str]]],
    *,
    max_new_tokens: int,
    batch_size: int,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[tuple[str, str]]:
    """A reply to each conversation: (text, its first `PUBLISHED_NEW_TOKENS` tokens), no special tokens.

    Args:
        prompts: messages that end with a user's turn; similar lengths share a batch.
        temperature: 0 is greedy; above, samples are drawn, the same for the same seed.
    """
    import torch

    texts = [
        tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True) for turns in prompts
    ]
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))
    found: dict[int, tuple[str, str]] = {}
    side, training = tokenizer.padding_side, model.training
    try:
        tokenizer.padding_side = "left"  # a decoder goes on from the last position
        model.eval()
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(seed)
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                made = _batch(model, tokenizer, [texts[i] for i in chosen], max_new_tokens, temperature)
                found.update(zip(chosen, made, strict=True))
    finally:
        tokenizer.padding_side = side
        model.train(training)
    return [found[i] for i in range(len(texts))]


def _batch(model, tokenizer, texts: list[str], max_new_tokens: int, temperature: float):
    from transformers import GenerationConfig

    batch = tokenizer(texts, padding=True, add_special_tokens=False, return_tensors="pt").to(model.device)
    ends = model.generation_config.eos_token_id
    ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    drawn = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {}
    settings = GenerationConfig(
        max_new_tokens=max_new_tokens,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=sorted({*ends, tokenizer.eos_token_id}),
        **drawn,
    )
    out = model.generate(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], generation_config=settings
    )
    new = out[:, batch["input_ids"].shape[1] :].tolist()  # (batch, new)
    return [
        (
            tokenizer.decode(ids, skip_special_tokens=True),
            tokenizer.decode(ids[:PUBLISHED_NEW_TOKENS], skip_special_tokens=True),
        )
        for ids in new
    ]
