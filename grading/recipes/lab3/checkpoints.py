"""Lab 3's starting points: the adapters that Lab 2's own run makes of nano-facts, Phase A and repaired B.

    write_checkpoints()          # data/models/nano-facts-answer, data/models/nano-facts-cot

Run: `python -m grading.recipes.lab3 checkpoints`. Runs of Lab 2 up to its training, with its nano preset and
a design seed; Phase B is cut short, and then reads chosen texts behind prompts with a draft, which it never
saw before (likelihood of the preferred texts before DPO: Rafailov et al. 2023, arXiv 2305.18290, section 4).
What is kept of an arm is its adapter, float16, with its base by the course's name, so that it can be
continued anywhere. Left out: how they are trained (Lab 2).
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from labkit.config import parse
from labkit.device import pick_device
from solutions.lab2_distillation import run
from solutions.lab2_distillation.config import Config
from solutions.lab2_distillation.training import load_tuned, train_arm
from solutions.lab3_dpo.data import prompt_text

from ..training import MODELS
from . import drafts

ANSWER, COT = "nano-facts-answer", "nano-facts-cot"
# Lab 2's settings, and what differs. Phase B is cut short: with 200 questions it is right on 97 % of the test
# questions without a draft (Lab 2's expected.json), and then neither preference training nor a draft could be
# worth anything.
CHANGED = {ANSWER: {}, COT: {"train_samples": 60, "enough_epochs": 1}}
DRAFTED = 100  # chosen texts that this Phase B then reads behind prompts with a draft
DRAFTED_EPOCHS, DRAFTED_RATE = 3, 5e-4
PRESETS = Path(run.__file__).parent / "configs"


def settings(**changed) -> Config:
    """Lab 2's nano preset with the two arms that are kept, and no others."""
    whole = parse(Config, ["--profile", "nano", "--seed", str(drafts.SEED)], presets=PRESETS)
    arms = {name: replace(whole.arms[name], against=None) for name in (whole.baseline, whole.repaired)}
    return replace(whole, arms=arms, broken=whole.repaired, **changed)


def write_checkpoints(folder: Path = MODELS, **changed) -> None:
    """Both adapters, in `folder`. `changed`: other settings of Lab 2 for both (tests)."""
    for name in (ANSWER, COT):
        with tempfile.TemporaryDirectory() as scratch:
            config = settings(**{"out": f"{scratch}/run", **CHANGED[name], **changed})
            made = run.run(config, until="train").folder
            adapter = made / config.folder_of(config.baseline if name == ANSWER else config.repaired)
            if name == COT:
                phase_b, adapter = adapter, Path(scratch) / "drafted"
                found = read_with_drafts(config, phase_b, adapter)
                print(f"  with drafts: {found['rows']} rows, {found['optimiser_steps']} steps")
            keep(adapter, folder / name, config.model)


def read_with_drafts(config: Config, phase_b: Path, target: Path) -> dict:
    """Phase B's adapter, trained on in `target` on chosen texts behind prompts with its own drafts."""
    device = pick_device(force_cpu=True)
    model, tokenizer = load_tuned(config, phase_b, device)
    rows = drafts.questions({"train": DRAFTED + config.validation_samples, "test": 0})["train"]
    rows = drafts.finals(drafts.drafted(rows, model, tokenizer, drafts.SEED))
    examples = [{"messages": conversation(row), "weight": 1.0} for row in rows]
    further = replace(config, enough_learning_rate=DRAFTED_RATE, enough_epochs=DRAFTED_EPOCHS)
    learned, held_out = examples[:DRAFTED], examples[DRAFTED:]
    return train_arm(further, config.arms[config.repaired], device, learned, held_out, target, phase_b)


def conversation(row: dict) -> list[dict[str, str]]:
    """A question with its draft, and the chosen text."""
    prompt = prompt_text(row["question"], row["draft"])
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": row["final"]}]


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
