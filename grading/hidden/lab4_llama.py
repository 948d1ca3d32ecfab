"""A Llama in numpy, 64 bits, one sequence at a time, without padding: what batched code must agree with.

The weights are random and made here from the `rng` of one test, then sent to the worker, where the staff
fixture "llama" puts them into a real `transformers` Llama. So the oracle shares no code with what it judges,
no answer can be carried from one submission to another, and the trusted side needs no torch.

    weights = random_llama(rng, vocab=len(tokenizer))                    # a causal language model
    weights = random_llama(rng, vocab=len(tokenizer), reward=True)       # one-label head `score.weight`
    logits(weights, ids)                                                 # (positions, vocab)

Source: Llama, Touvron et al. 2023 (arXiv 2302.13971): RMSNorm, rotary positions, grouped-query attention,
SwiGLU. Left out: caches, padding, everything fast.
"""

from __future__ import annotations

import functools

import numpy as np

from labkit import fixtures

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS = 32, 64, 2, 4, 2
HEAD = HIDDEN // HEADS
EPS, THETA = 1e-6, 10_000.0  # of RMSNorm and of the rotary positions

Weights = dict[str, np.ndarray]


@functools.cache
def tokenizer():
    """The tiny tokenizer of `labkit.fixtures`, built on this side too."""
    return fixtures.make("tiny_tokenizer")


def token_ids(text: str) -> list[int]:
    return list(tokenizer()(text, add_special_tokens=False)["input_ids"])


def chat(question: str, solution: str | None = None) -> str:
    """The template filled in: the prompt to continue, or with `solution` the whole conversation."""
    turns = [{"role": "user", "content": question}]
    if solution is not None:
        turns.append({"role": "assistant", "content": solution})
    return tokenizer().apply_chat_template(turns, tokenize=False, add_generation_prompt=solution is None)


# ---- weights ----


def random_llama(
    rng: np.random.Generator, reward: bool = False, sharpness: float = 2.0, end_sharpness: float = 1.0
) -> Weights:
    """Random weights in float32, in which position and context matter.

    sharpness: standard deviation of the logits. end_sharpness: how much more the end token's varies.
    """
    vocab = len(tokenizer())

    def normal(rows: int, columns: int, scale: float) -> np.ndarray:
        return (rng.standard_normal((rows, columns)) * scale / np.sqrt(columns)).astype(np.float32)

    weights = {"model.embed_tokens.weight": normal(vocab, HIDDEN, np.sqrt(HIDDEN))}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        weights[at + "self_attn.q_proj.weight"] = normal(HIDDEN, HIDDEN, 1.2)
        weights[at + "self_attn.k_proj.weight"] = normal(KV_HEADS * HEAD, HIDDEN, 1.2)
        weights[at + "self_attn.v_proj.weight"] = normal(KV_HEADS * HEAD, HIDDEN, 1.5)
        weights[at + "self_attn.o_proj.weight"] = normal(HIDDEN, HIDDEN, 1.5)
        weights[at + "mlp.gate_proj.weight"] = normal(INNER, HIDDEN, 1.0)
        weights[at + "mlp.up_proj.weight"] = normal(INNER, HIDDEN, 1.0)
        weights[at + "mlp.down_proj.weight"] = normal(HIDDEN, INNER, 1.0)
        weights[at + "input_layernorm.weight"] = np.ones(HIDDEN, dtype=np.float32)
        weights[at + "post_attention_layernorm.weight"] = np.ones(HIDDEN, dtype=np.float32)
    weights["model.norm.weight"] = np.ones(HIDDEN, dtype=np.float32)
    if reward:
        return {**weights, "score.weight": normal(1, HIDDEN, 2.0)}
    head = normal(vocab, HIDDEN, sharpness)
    head[tokenizer().eos_token_id] *= end_sharpness
    return {**weights, "lm_head.weight": head}


# ---- forward ----


def logits(weights: Weights, ids: list[int]) -> np.ndarray:
    """(positions, vocab) of a causal model, (positions, 1) of a reward model, for one unpadded sequence."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    x = w["model.embed_tokens.weight"][ids]  # (positions, hidden)
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        x = x + _attention(w, at + "self_attn.", _norm(x, w[at + "input_layernorm.weight"]))
        y = _norm(x, w[at + "post_attention_layernorm.weight"])
        gate = y @ w[at + "mlp.gate_proj.weight"].T
        inner = gate / (1 + np.exp(-gate)) * (y @ w[at + "mlp.up_proj.weight"].T)
        x = x + inner @ w[at + "mlp.down_proj.weight"].T
    return _norm(x, w["model.norm.weight"]) @ w.get("lm_head.weight", w.get("score.weight")).T


def _norm(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return weight * x / np.sqrt((x * x).mean(-1, keepdims=True) + EPS)


def _attention(w: Weights, at: str, x: np.ndarray) -> np.ndarray:
    count = len(x)

    def heads(name: str) -> np.ndarray:  # (heads, positions, head)
        return (x @ w[at + name + ".weight"].T).reshape(count, -1, HEAD).transpose(1, 0, 2)

    q, k, v = _rotate(heads("q_proj")), _rotate(heads("k_proj")), heads("v_proj")
    k, v = (np.repeat(part, HEADS // KV_HEADS, axis=0) for part in (k, v))
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(HEAD)
    scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = (shares / shares.sum(-1, keepdims=True)) @ v
    return mixed.transpose(1, 0, 2).reshape(count, -1) @ w[at + "o_proj.weight"].T


def _rotate(x: np.ndarray) -> np.ndarray:
    angles = np.arange(x.shape[1])[:, None] / THETA ** (np.arange(0, HEAD, 2) / HEAD)
    cos, sin = np.tile(np.cos(angles), 2), np.tile(np.sin(angles), 2)
    swapped = np.concatenate([-x[..., HEAD // 2 :], x[..., : HEAD // 2]], axis=-1)
    return x * cos + swapped * sin


# ---- what tests ask of it ----


def loss(weights: Weights, rows: list[dict[str, list[int]]]) -> float:
    """Mean negative log-probability in nats of the rows' labels ≥ 0, each predicted one place before."""
    total, count = 0.0, 0
    for row in rows:
        out = logits(weights, row["input_ids"])
        logp = out - out.max(-1, keepdims=True)
        logp = logp - np.log(np.exp(logp).sum(-1, keepdims=True))
        for place, label in enumerate(row["labels"][1:]):
            if label >= 0:
                total, count = total - logp[place, label], count + 1
    return total / count


def greedy(weights: Weights, prompt: list[int], most: int, stops: set[int]) -> tuple[list[int], float]:
    """(new ids with the stop token, smallest gap in logits between the best and the second-best token)."""
    ids, gap = list(prompt), np.inf
    while len(ids) < len(prompt) + most:
        row = logits(weights, ids)[-1]
        second, best = np.sort(row)[-2:]
        gap = min(gap, float(best - second))
        ids.append(int(row.argmax()))
        if ids[-1] in stops:
            break
    return ids[len(prompt) :], gap


def text_of(ids: list[int]) -> str:
    return tokenizer().decode(ids, skip_special_tokens=True)


def first_token_shares(
    weights: Weights, prompt: list[int], temperature: float, top_p: float = 1.0, top_k: int = 0
) -> dict[str, float]:
    """The chance of each text that a sample of one token can have; tokens with the same text together."""
    row = logits(weights, prompt)[-1] / temperature
    shares = np.exp(row - row.max())
    shares /= shares.sum()
    order = np.argsort(-shares)
    if top_k:
        shares[order[top_k:]] = 0.0
        shares /= shares.sum()
    before = np.cumsum(shares[order]) - shares[order]  # the mass of the tokens that are likelier
    shares[order[before >= top_p]] = 0.0
    shares /= shares.sum()
    result: dict[str, float] = {}
    for token, share in enumerate(shares):
        text = text_of([token])
        result[text] = result.get(text, 0.0) + float(share)
    return result


def fit(counts: dict[str, int], shares: dict[str, float]) -> float:
    """The p-value of Pearson's chi-square test of counts against shares; small expected counts are pooled."""
    from scipy.special import chdtrc

    total = sum(counts.values())
    if any(text not in shares or shares[text] == 0.0 for text in counts):
        return 0.0
    bins, rest = [], [0, 0.0]
    for text, share in shares.items():
        if share * total >= 10:
            bins.append((counts.get(text, 0), share * total))
        else:
            rest = [rest[0] + counts.get(text, 0), rest[1] + share * total]
    if rest[1] >= 10:
        bins.append((rest[0], rest[1]))
    statistic = sum((seen - expected) ** 2 / expected for seen, expected in bins)
    return float(chdtrc(max(len(bins) - 1, 1), statistic))
