"""Lab 3 attribution: which tokens of the prompt a completion's probability comes from.

    rows = attributions(model, tokenizer, pairs, config)      # [{"lift", "draft_nats", …}, …]
    null = random_weights(model, seed=1)                      # knows nothing: a lift to beat

The output is the log-probability of the chosen text; the input are the embeddings of the prompt's tokens, the
completion's stay as they are; the baseline puts the mean embedding in each place of the prompt. The draft's
tokens are those of its text behind "Student draft: ". The lift counts influence of either sign; `draft_nats`
is the draft's signed sum, so what it adds to the log-probability. Left out: the integral and the lift (3.14,
3.15), and which models and drafts are compared (run.py).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch

from .batches import collate, encode_pairs
from .config import Config
from .data import split_prompt
from .evaluate import integrated_gradients, lift
from .method import completion_logps


def attributions(model, tokenizer, pairs: Sequence[dict], config: Config) -> list[dict]:
    """Per pair the draft's lift, its signed sum in nats, its token share, and how far completeness is missed,
    as a share."""
    model.eval()
    embed = model.get_input_embeddings()
    mean = embed.weight.detach().float().mean(dim=0)
    rows = encode_pairs(pairs, tokenizer, config.max_length)
    found = []
    for pair, row in zip(pairs, rows, strict=True):
        flags = draft_mask(tokenizer, row["prompt_ids"], split_prompt(pair["prompt"])[1] or "")
        if not any(flags):
            continue
        f, x = completion_score(model, row, tokenizer)
        baseline = mean.expand_as(x).contiguous()
        with torch.no_grad():
            ends = float(f(x) - f(baseline))
        given = integrated_gradients(f, x, baseline, config.attribution_steps)
        missed = abs(float(given.sum()) - ends)
        found.append(
            {
                "qid": pair["qid"],
                "lift": lift(given.cpu(), flags),
                "draft_nats": float(given.cpu()[torch.tensor(flags)].sum()),
                "token_share": sum(flags) / len(flags),
                "completeness_error": missed / max(abs(ends), 1e-6),
            }
        )
    return found


def random_weights(model, seed: int):
    """The model's architecture with random weights: what it is attributed, the method says by itself.

    Source: Adebayo et al. 2018, Sanity checks for saliency maps (arXiv 1810.03292), section 3.
    """
    from transformers import AutoModelForCausalLM

    config = copy.deepcopy(model.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = AutoModelForCausalLM.from_config(config, dtype=model.dtype)
    return made.to(model.device).eval()


def completion_score(
    model, row: dict, tokenizer
) -> tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
    """(f, x): the chosen text's log-probability as a function of the prompt's embeddings (prompt, dim)."""
    one = {**row, "rejected_ids": row["chosen_ids"]}
    batch = {
        name: values[:1] for name, values in collate([one], tokenizer.pad_token_id, model.device).items()
    }
    with torch.no_grad():
        whole = model.get_input_embeddings()(batch["input_ids"]).float()
    size = len(row["prompt_ids"])

    def f(prompt: torch.Tensor) -> torch.Tensor:
        inputs = torch.cat([prompt[None].to(whole.dtype), whole[:, size:]], dim=1)
        logits = model(inputs_embeds=inputs, attention_mask=batch["attention_mask"], use_cache=False).logits
        return completion_logps(logits, batch["input_ids"], batch["completion_mask"]).sum()

    return f, whole[0, :size].clone()


def draft_mask(tokenizer, prompt_ids: Sequence[int], draft: str) -> list[bool]:
    """True at the prompt's tokens whose text lies within the draft."""
    ends, text = [], ""
    for place in range(len(prompt_ids)):
        text = tokenizer.decode(prompt_ids[: place + 1], skip_special_tokens=False)
        ends.append(len(text))
    start = text.rfind(draft) if draft else -1
    if start < 0:
        return [False] * len(prompt_ids)
    begins = [0, *ends[:-1]]
    return [begin < start + len(draft) and end > start for begin, end in zip(begins, ends, strict=True)]
