"""Lab 1 predictions: greedy answers of a model, each with the probability that it gave its own label.

    texts = generate(model, tokenizer, prompts, kind="causal", max_new_tokens=96, batch_size=50)
    [("gadget_type: arithmetic; location: ADD; …", 0.83), …]

The probability is that of the generated tokens up to the first ";", where the label ends: the model's own
confidence, which agreement has to beat. Source: transformers 5, `GenerationMixin.generate` and
`compute_transition_scores`. Left out: sampling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal


def generate(
    model,
    tokenizer,
    prompts: Sequence[str],
    *,
    kind: Literal["seq2seq", "causal"],
    max_new_tokens: int,
    batch_size: int,
    max_input_length: int | None = None,
) -> list[tuple[str, float]]:
    """A greedy answer to each prompt, and the probability of its label.

    A decoder continues from the last position, so its prompts are padded on the left and tokenised without
    special tokens, as in training; an encoder-decoder's are padded on the right, with its special tokens.

    Args:
        prompts: texts, in any order; similar lengths share a batch.
        max_input_length: tokens of a prompt (None: never cut). A longer one loses its right end, but before a
            decoder its left end: it has to see where the answer begins.
    Returns:
        (text without special tokens, probability in [0, 1]) a prompt, in the order of the prompts.
    """
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
    answers: dict[int, tuple[str, float]] = {}
    sides, training = (tokenizer.padding_side, tokenizer.truncation_side), model.training
    side = "left" if kind == "causal" else "right"
    try:
        tokenizer.padding_side = tokenizer.truncation_side = side
        model.eval()
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            texts = [prompts[i] for i in chosen]
            found = _batch(model, tokenizer, texts, kind, max_new_tokens, max_input_length)
            answers.update(zip(chosen, found, strict=True))
    finally:
        tokenizer.padding_side, tokenizer.truncation_side = sides
        model.train(training)
    return [answers[i] for i in range(len(prompts))]


def _batch(model, tokenizer, texts: list[str], kind: str, max_new_tokens: int, longest: int | None):
    import torch
    from transformers import GenerationConfig

    cut = {} if longest is None else {"truncation": True, "max_length": longest}
    batch = tokenizer(texts, padding=True, add_special_tokens=kind == "seq2seq", return_tensors="pt", **cut)
    batch = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
    ends = model.generation_config.eos_token_id
    ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    settings = GenerationConfig(
        do_sample=False,
        max_new_tokens=max_new_tokens,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=sorted({*ends, tokenizer.eos_token_id}),
        decoder_start_token_id=getattr(model.config, "decoder_start_token_id", None),
        return_dict_in_generate=True,
        output_scores=True,
    )
    with torch.inference_mode():
        out = model.generate(**batch, generation_config=settings)
        logps = model.compute_transition_scores(out.sequences, out.scores, normalize_logits=True)
    new = out.sequences[:, -logps.shape[1] :]  # (batch, new): both kinds put what is new at the end
    return [
        (tokenizer.decode(ids, skip_special_tokens=True), label_probability(tokenizer, ids, row))
        for ids, row in zip(new.tolist(), logps.tolist(), strict=True)
    ]


def label_probability(tokenizer, ids: Sequence[int], logps: Sequence[float]) -> float:
    """The probability of the tokens up to the first ";", or up to the end; what lies behind is left out."""
    total = 0.0
    for token, logp in zip(ids, logps, strict=True):
        if not math.isfinite(logp):  # positions behind the end token
            break
        total += logp
        if token == tokenizer.eos_token_id or ";" in tokenizer.decode([token]):
            break
    return math.exp(total)
