"""Lab 3's starting points: the adapters that Lab 2's own run makes of nano-facts, Phase A and repaired B.

    write_checkpoints()          # data/models/nano-facts-answer, data/models/nano-facts-cot

Run: `python -m grading.recipes.lab3 checkpoints`. Runs of Lab 2 up to its training, with its nano preset and
a design seed, Phase B from fewer questions; what is kept of an arm is its adapter, float16. Each names its
base by the course's name, so that it can be continued anywhere. Left out: how they are trained (Lab 2).
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from labkit.config import parse
from solutions.lab2_distillation import run
from solutions.lab2_distillation.config import Config

from ..training import MODELS

SEED = 103  # a design seed
ANSWER, COT = "nano-facts-answer", "nano-facts-cot"
# Phase A as in Lab 2. Phase B from fewer questions: from 200 it is right on 97 % of the test questions, and
# preference training could only lose.
SAMPLES = {ANSWER: 200, COT: 60}
PRESETS = Path(run.__file__).parent / "configs"


def settings(samples: int, **changed) -> Config:
    """Lab 2's nano preset with this many questions and the two arms that are kept, and no others."""
    words = ["--profile", "nano", "--seed", str(SEED), "--train_samples", str(samples)]
    whole = parse(Config, words, presets=PRESETS)
    arms = {name: replace(whole.arms[name], against=None) for name in (whole.baseline, whole.repaired)}
    return replace(whole, arms=arms, broken=whole.repaired, **changed)


def write_checkpoints(folder: Path = MODELS, **changed) -> None:
    """Both adapters, in `folder`. `changed`: other settings of Lab 2 (tests)."""
    for name, samples in SAMPLES.items():
        with tempfile.TemporaryDirectory() as scratch:
            config = settings(samples, out=f"{scratch}/run", **changed)
            made = run.run(config, until="train").folder
            arm = config.baseline if name == ANSWER else config.repaired
            keep(made / config.folder_of(arm), folder / name, config.model)


def keep(adapter: Path, target: Path, base: str) -> None:
    """The adapter in float16 under `target`, with its base by name; nothing else of its folder."""
    target.mkdir(parents=True, exist_ok=True)
    weights = load_file(adapter / "adapter_model.safetensors")
    halves = {name: weight.to(torch.float16).contiguous() for name, weight in sorted(weights.items())}
    save_file(halves, target / "adapter_model.safetensors", metadata={"format": "pt"})
    known = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    known |= {"base_model_name_or_path": base, "inference_mode": True, "revision": None}
    known["target_modules"] = sorted(known["target_modules"])  # a set: its order differs between runs
    (target / "adapter_model.safetensors").chmod(0o644)  # safetensors writes for the owner alone
    text = json.dumps(known, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (target / "adapter_config.json").write_text(text, encoding="utf-8")
