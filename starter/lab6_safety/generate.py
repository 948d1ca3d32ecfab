"""Lab 6 generation: the model's most likely reply to each conversation, in batches.

    greedy_replies(model, tokenizer, [messages, …], max_new_tokens=96, batch_size=50)     # ["3 * 4 = …", …]

Greedy, as published (`do_sample=False`): the same model gives the same replies. Source: transformers 5,
`GenerationMixin.generate`. Left out: reading the replies (evaluate.py).
"""

from __future__ import annotations

from collections.abc import Sequence


def greedy_replies(
    model, tokenizer, prompts: Sequence[list[dict[str, str]]], *, max_new_tokens: int, batch_size: int
) -> list[str]:
    """A reply to each conversation, without special tokens, in the order of the prompts.

    Args:
        prompts: messages that end with a user's turn; similar lengths share a batch, so little is padded.
    """
    import torch
    from transformers import GenerationConfig

    texts = [
        tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True) for turns in prompts
    ]
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))
    ends = model.generation_config.eos_token_id
    ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    settings = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=sorted({*ends, tokenizer.eos_token_id}),
    )
    found: dict[int, str] = {}
    side, training = tokenizer.padding_side, model.training
    try:
        tokenizer.padding_side = "left"  # a decoder goes on from the last position
        model.eval()
        with torch.inference_mode():
            for start in range(0, len(order), batch_size):
                places = order[start : start + batch_size]
                batch = tokenizer(
                    [texts[i] for i in places], padding=True, add_special_tokens=False, return_tensors="pt"
                )
                inputs = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
                out = model.generate(**inputs, generation_config=settings)
                new = out[:, inputs["input_ids"].shape[1] :]  # (batch, new)
                found.update(zip(places, tokenizer.batch_decode(new, skip_special_tokens=True), strict=True))
    finally:
        tokenizer.padding_side = side
        model.train(training)
    return [found[i] for i in range(len(texts))]
