"""Lab 5 settings: one frozen dataclass; a preset in `configs/` says what differs on its profile.

    labs run lab5 --profile nano --seed 1 --epochs 3 --label_mode uncertainty

Two pipelines share it: (a) judgment training, epoch by epoch, and (b) the three phases. Defaults are the
published ones where the guide has one; where the same published name has two meanings, (b) has a name of its
own here and `published.py` translates. Source of the other numbers: measured on design seeds (100 and above),
never on recorded ones. Left out: which machine to rent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

Selection = Literal["balanced", "misjudged"]


_SIZES = """num_gpus num_trials max_new_tokens inference_batch_size shard_items num_samples num_val_samples
epochs batch_size batches_per_step passes start_epoch train_samples test_samples phase_epochs knowledge_epochs
train_batch lora_r max_length bins bootstrap_resamples"""


@dataclass(frozen=True)
class Config:
    """Everything that decides the numbers of a run. Raises ValueError: settings that can't work together."""

    profile: str = "nano"  # names the run folder; a command line adds what it changes (published.run_name)
    seed: int = 1  # of all sampling, of what is taught, and of the training order
    out: str | None = None  # None: runs/lab5_<profile>_seed<seed> in the course's folder
    force_cpu: bool = False  # True: ignore a GPU
    shrink: bool = False  # True: two random layers of the same architecture, a few items; proves the code
    not_compared: ClassVar[tuple[str, ...]] = ("num_gpus", "skip_collect", "start_epoch", "phase", "resume")

    # ---- what is run ----
    pipeline: Literal["both", "judgment", "multiphase"] = "both"
    model: str = "Qwen/Qwen2.5-7B-Instruct"  # published
    dataset: Literal["triviaqa", "hotpotqa"] = "triviaqa"  # published; hotpotqa is open book
    source: str = "hub"  # "course", "hub" (the set's own id), or a local file or folder of the same shape
    num_gpus: int = 8  # published; processes, each with a GPU if there is one. Changes no number

    # ---- collecting ----
    num_trials: int = 5  # published; replies a question
    ability_rule: Literal["share", "any_correct"] = "share"  # published text; its code: any_correct
    temperature: float = 1.0  # above 0: k greedy trials are one trial
    max_new_tokens: int = 16  # an answer, not an essay
    inference_batch_size: int = 16  # published; questions a batch, each with all its trials
    shard_items: int = 120  # questions a shard; a killed run loses one shard a process

    # ---- (a) judgment training ----
    num_samples: int = 5000  # published
    num_val_samples: int = 1000  # published
    epochs: int = 10  # published
    lr: float = 1e-5  # published default; its notes recommend 4e-6
    batch_size: int = 16  # published; rows of one batch on one GPU
    batches_per_step: int = 8  # as many as published GPUs: a step is 8 x 16 rows on any number of them
    passes: int = 1  # over the selected rows in an epoch; published: 1
    label_mode: Literal["binary", "uncertainty"] = "binary"  # published
    selections: tuple[Selection, ...] = ("balanced", "misjudged")  # one arm each; published: misjudged
    rehearsal: bool = False  # True: the model's own answers are learned beside judgments; published: not
    judgment_lora: bool = False  # False: all weights are trained, as published
    skip_collect: bool = False  # published; True: take responses.jsonl as it lies there
    start_epoch: int = 1  # published; epochs from this one on are trained again

    # ---- (b) three phases ----
    train_samples: int = 1000  # published
    test_samples: int = 100  # published
    phase_epochs: int = 1  # published as --epochs
    knowledge_epochs: int = 5  # published
    phase_lr: float | None = None  # None, as published: 1e-4 with LoRA, 1e-5 without
    train_batch: int = 32  # published; rows a step
    no_lora: bool = False  # published; True: all weights are trained
    phase_label_mode: Literal["binary", "uncertainty"] = "uncertainty"  # three abilities, as published
    phase_selection: Literal["balanced", "all"] = "all"  # published: all
    taught_share: float = 0.5  # of the training entities; published: 1.0, which leaves no control
    judged_share: float = 1.0  # of the training entities that v1 and v2 learn from; published: all
    phase: Literal[1, 2, 3] | None = None  # published; None: all of them
    experiment: str | None = None  # published; None: named by model, data and sizes
    resume: bool = False  # published; with `experiment` its settings are read from its folder

    # ---- training ----
    lora_r: int = 16  # published
    lora_alpha: int = 32  # published
    lora_dropout: float = 0.0  # in an adapter while it learns; the guide names none
    judge_blocks: int | None = None  # a judge's LoRA is on the last so many blocks; published: on all
    max_length: int = 1024  # tokens of a row; longer contexts are left out of training
    warmup_share: float = 0.05  # of all steps; a cold Adam overshoots
    deepspeed: str | None = None  # a file in configs/, for several GPUs

    # ---- reporting ----
    bins: int = 10  # of equal width, for calibration; 10 is what the literature uses
    bootstrap_resamples: int = 1000  # of the intervals of means; those that rank anew each time: at most 300
    tracker: Literal["none", "wandb", "trackio"] = "none"  # off: nothing leaves this machine

    def __post_init__(self) -> None:
        for name in _SIZES.split():
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0, found {self.temperature}: greedy trials are one")
        if self.lr <= 0 or self.learning_rate <= 0 or not 0 <= self.warmup_share < 1:
            raise ValueError("need positive learning rates and 0 <= warmup_share < 1")
        if not 0 <= self.lora_dropout < 1:
            raise ValueError(f"lora_dropout must be at least 0 and below 1, found {self.lora_dropout}")
        if self.judge_blocks is not None and self.judge_blocks < 1:
            raise ValueError(f"judge_blocks must be at least 1, found {self.judge_blocks}")
        for name in ("taught_share", "judged_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, found {getattr(self, name)}")
        if not self.selections or len(set(self.selections)) < len(self.selections):
            raise ValueError(f"selections must name different arms, found {self.selections}")
        shared = [] if self.pipeline == "multiphase" else [("batches_per_step", self.batches_per_step)]
        if self.pipeline != "judgment":
            shared.append(("batches of a step of train_batch rows", self.phase_batches))
        for name, batches in shared:
            if batches % self.num_gpus:
                raise ValueError(f"num_gpus must divide {name}, found {self.num_gpus} and {batches}")
        if self.phase is not None and self.pipeline != "multiphase":
            raise ValueError(f"phase {self.phase} is one of pipeline multiphase, found {self.pipeline}")
        if self.start_epoch > self.epochs:
            raise ValueError(f"start_epoch {self.start_epoch} is behind the last of {self.epochs} epochs")
        if self.experiment is not None and Path(self.experiment or "..").name != self.experiment:
            raise ValueError(f"experiment is the name of a folder, found {self.experiment!r}")

    @property
    def learning_rate(self) -> float:
        """Of the three phases."""
        return self.phase_lr or (1e-5 if self.no_lora else 1e-4)

    @property
    def phase_batches(self) -> int:
        """Batches in a step of the three phases: `batches_per_step`, or fewer where they'd split a row."""
        return math.gcd(self.train_batch, self.batches_per_step)


def shrunk(config: Config) -> Config:
    """The same run, small enough for a CPU and CI: few items, short answers; the code path stays as it is."""
    return replace(
        config,
        source=config.source if Path(config.source).exists() else "course",  # no network
        num_gpus=1,
        num_trials=2,
        max_new_tokens=min(config.max_new_tokens, 4),
        shard_items=6,
        num_samples=12,
        num_val_samples=8,
        epochs=1,
        start_epoch=1,
        batch_size=4,
        batches_per_step=1,
        train_samples=12,
        test_samples=8,
        train_batch=4,
        knowledge_epochs=1,
        max_length=512,
        deepspeed=None,
        bootstrap_resamples=20,
    )
