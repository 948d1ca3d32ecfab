"""Models and tokenizers by name, at three scales, with one clear error when something is missing.

Example:
    tokenizer = load_tokenizer("nano-math")
    model = load_causal_lm("nano-math", device=pick_device())
    model = load_causal_lm("google/gemma-3-4b-it", quantize="nf4")       # QLoRA's base
    model = load_causal_lm("google/gemma-3-4b-it", shrink=True)   # same architecture, two layers, random

A name is one of `REGISTRY`, any `org/name` of the hub, or a folder with a `config.json`, or with an adapter's
`adapter_config.json`: then the base that this names is loaded, with the adapter on it. Nano models lie in
`data/models/`, `smollm2` in the cache once fetched, hub models in `$LABS_MODELS/<org>--<name>` or the hub's.
Left out: fetching (`labkit.fetch`) and training.
"""

from __future__ import annotations

import json
import os
import re
import socket
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .chat import mark_replies
from .course import project_root
from .errors import LabError, close_matches
from .quiet import leave_unsaid
from .registry import REGISTRY, ModelSpec, Role

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


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
_ADAPTER = "adapter_config.json"
_CONFIGS = ("config.json", _ADAPTER)  # a folder with one of them is a model


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


def holds_model(folder: Path) -> bool:
    """Whether a whole model, or an adapter, lies in `folder`."""
    return any((folder / name).is_file() for name in _CONFIGS)


def adapter_folder(name: str | Path) -> Path | None:
    """The folder of model `name` if it is an adapter; None for a whole model. Raises LabError: see `find`."""
    place = find(name)
    return place if isinstance(place, Path) and (place / _ADAPTER).is_file() else None


def base_of(name: str | Path) -> str:
    """The name of what model `name` was adapted from; `name` itself for a whole model.

    Raises LabError: see `find`.
    """
    folder = adapter_folder(name)
    if folder is None:
        return str(name)
    return str(json.loads((folder / _ADAPTER).read_text("utf-8"))["base_model_name_or_path"])


def find(name: str | Path) -> Path | str:
    """The folder that holds model `name`, or its hub id when it is only on the hub.

    Raises LabError: unknown name, or a model that is not there yet, with the command that gets it.
    """
    name = str(name)
    for folder in (Path(name), *_folders(name)):
        if holds_model(folder):
            return folder
    spec = REGISTRY.get(name)
    if spec is not None and spec.profile == "nano":
        raise LabError(f"the nano model {name}", "no such folder", nano_folder(name), "labs doctor")
    if spec is not None and spec.profile == "laptop":
        raise LabError(f"the model {name}", "not fetched yet", cache_folder(name), f"labs models get {name}")
    if Path(name).exists() or not is_hub_id(name):
        found = (
            "neither config.json nor adapter_config.json there"
            if Path(name).exists()
            else f"{name!r}; {close_matches(name, REGISTRY)}"
        )
        raise LabError("a model of the course, a hub id or a model folder", found, "", "labs models list")
    return name


def is_here(name: str) -> bool:
    """Whether `find` gives a folder (a model in the hub's own cache does not count)."""
    return any(holds_model(folder) for folder in _folders(name))


def _folders(name: str) -> list[Path]:
    folders = [nano_folder(name), cache_folder(name)]
    if os.environ.get("LABS_MODELS"):
        folders.insert(0, Path(os.environ["LABS_MODELS"]) / name.replace("/", "--"))
    return folders


# ---- loading ----


def load_tokenizer(name: str | Path, *, shrink: bool = False) -> PreTrainedTokenizerBase:
    """The tokenizer of model `name` (an adapter has its base's); with `shrink`, the nano tokenizer that its
    shrunk model is built for. A known chat template without generation marks gets them (labkit.chat).

    Raises LabError: see `find`; or the hub can't be reached.
    """
    from transformers import AutoTokenizer

    if shrink and _spec_to_shrink(name).profile != "nano":  # a nano model is small already
        return _from_pretrained(AutoTokenizer, _spec_to_shrink(name).nano)
    tokenizer = _from_pretrained(AutoTokenizer, base_of(name))
    mark_replies(tokenizer)
    return tokenizer


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
    adapter = adapter_folder(name)
    if adapter is not None:
        import peft

        base = load_model(base_of(name), role, device=device, quantize=quantize)
        return peft.PeftModel.from_pretrained(base, adapter).eval()
    model = _plainly_generating(_from_pretrained(kinds[role], name, **settings))
    return (_differentiable(model) if quantize else model.to(device)).eval()


def _plainly_generating(model: PreTrainedModel) -> PreTrainedModel:
    """The model without its files' settings of generation (top_p, penalties, …); its special tokens stay.

    `generate` fills whatever a lab leaves unset from them, also where it decodes greedily.
    """
    import transformers

    if model.can_generate():
        names = ("bos_token_id", "decoder_start_token_id", "eos_token_id", "pad_token_id")
        tokens = {name: getattr(model.generation_config, name) for name in names}
        model.generation_config = transformers.GenerationConfig(**tokens)
    return model


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
    leave_unsaid()
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
        known = [spec.name for spec in REGISTRY.values() if spec.profile != "nano"]
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
