"""Lab 5, what is published and kept: option names, folder names, the summary table, and a broken scorer.

    translated(["--inference_batch", "512"], "multiphase")     # ["--inference_batch_size", "512"]
    judgment_folder(config, "misjudged")   # qwen2.5_7b_instruct_triviaqa_binary_lr1e05_misjudged_seed1
    substring_score("", ["Parum"])         # True: an empty reply is "in" every answer

The published names end with the time of day; here with the seed, so that a run is found again. Source: the
published guide (GUIDE.md). Left out: the repairs, which are the TODOs.
"""

from __future__ import annotations

import string
from collections.abc import Sequence

from .config import Config

# Published option -> ours, for both pipelines, and where (b) uses a name of (a) for another thing.
_RENAMED = {"output_dir": "out", "inference_batch": "inference_batch_size"}
_PHASES = {
    "epochs": "phase_epochs",
    "lr": "phase_lr",
    "batch_size": "train_batch",
    "num_samples": "train_samples",
}


def translated(words: Sequence[str], pipeline: str) -> list[str]:
    """The words of a command line with the published options under this lab's names."""
    names = _RENAMED | (_PHASES if pipeline == "multiphase" else {})
    found = []
    for word in words:
        name, equals, value = word.removeprefix("--").partition("=")
        known = word.startswith("--") and name.replace("-", "_") in names
        found.append(f"--{names[name.replace('-', '_')]}{equals}{value}" if known else word)
    return found


def short_name(model: str) -> str:
    """`Qwen/Qwen2.5-7B-Instruct` as in the published folder names: `qwen2.5_7b_instruct`."""
    return model.rstrip("/").rpartition("/")[2].lower().replace("-", "_")


def judgment_folder(config: Config, selection: str) -> str:
    """The folder of one arm of (a) below `experiments/`."""
    digits, _, power = f"{config.lr:e}".partition("e")
    rate = digits.rstrip("0").rstrip(".") + "e" + power.replace("-", "")
    name = f"{short_name(config.model)}_{config.dataset}_{config.label_mode}_lr{rate}"
    return f"experiments/{name}_{selection}_seed{config.seed}"


def run_name(config: Config, preset: Config) -> str:
    """What stands for the profile in the run folder's name: `gpu_judgment_hotpotqa`.

    Runs of other data, another model or pipeline than the preset's lie side by side, as the published folders
    do; an experiment has its own name.
    """
    changed = []
    if config.experiment:
        changed = [config.experiment]
    else:
        for name in ("pipeline", "model", "dataset"):
            value = getattr(config, name)
            if value != getattr(preset, name):
                changed.append(short_name(value) if name == "model" else value)
    return "_".join([config.profile, *changed])


def phases_folder(config: Config) -> str:
    """The folder of (b) below `experiments/`."""
    model = config.model.rstrip("/").rpartition("/")[2].removesuffix("-Instruct")
    sizes = f"train{config.train_samples}_test{config.test_samples}"
    return f"experiments/{config.experiment or f'{model}_{config.dataset}_{sizes}_seed{config.seed}'}"


def summary(epochs: Sequence[dict]) -> str:
    """The published table: judgment, QA and AUROC, epoch by epoch, on both splits."""
    names = ["Train Judg", "Train QA", "Train AUROC", "Val Judg", "Val QA", "Val AUROC"]
    lines = [f"{'Epoch':<9}" + "".join(f"{name:<13}" for name in names).rstrip(), "-" * 82]
    for row in epochs:
        cells = [f"{row['epoch']:<9}"]
        for split in ("train", "val"):
            part = row[split]
            auroc = "-" if part["auroc"] is None else f"{part['auroc']:.4f}"
            cells += [f"{part['judgment']:<13.1%}", f"{part['qa']:<13.1%}", f"{auroc:<13}"]
        lines.append("".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def substring_score(reply: str, aliases: Sequence[str]) -> bool:
    """The published scorer: reply in answer, or answer in reply, as strings of characters. Never used for
    labels.

    Its normalisation keeps ASCII letters and digits only, so a reply in another script becomes "" and is
    right.
    """
    said = _ascii(reply)
    return any(_ascii(alias) in said or said in _ascii(alias) for alias in aliases)


def _ascii(text: str) -> str:
    kept = set(string.ascii_lowercase + string.digits + " ")
    words = "".join(c for c in text.lower() if c in kept).split()
    return " ".join(word for word in words if word not in ("a", "an", "the"))
