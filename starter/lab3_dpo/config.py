"""Lab 3 settings: one frozen dataclass; a preset in `configs/` says what differs on its profile.

    labs run lab3 --profile nano --seed 1 --start_from phase_a --trainer trl

The defaults are the published ones where the guide has one (β, schedule, epochs, learning rate, 15 %); the
comment says so. The presets set what their models need. Left out: several GPUs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

Loss = Literal["dpo", "cal_dpo", "dr_dpo", "centred", "schedule", "drop_loss", "drop_random"]
LOSSES = ("dpo", "cal_dpo", "dr_dpo", "centred", "schedule", "drop_loss", "drop_random")
PHASES = ("phase_a", "phase_b")  # Lab 2's two checkpoints


@dataclass(frozen=True)
class Arm:
    """One training run: a loss, and what differs for it."""

    loss: Loss = "dpo"
    kind: Literal["natural", "matched", "both"] = "both"  # which pairs it learns from
    flips: float = 0.0  # share of planted wrong labels among its training pairs
    beta: float | None = None  # None: the configuration's
    epochs: int | None = None  # None: the configuration's


@dataclass(frozen=True)
class Config:
    """Everything that decides the numbers of a run. Raises ValueError: settings that can't work together."""

    profile: str = "nano"  # names the run folder, runs/lab3_<profile>_seed<seed>
    seed: int = 1  # of the order of training, of flips, drafts and sampling
    out: str | None = None  # None: runs/lab3_<profile>_seed<seed> in the course's folder
    force_cpu: bool = False  # True: ignore a GPU
    shrink: bool = (
        False  # True: two random layers of the same architecture, a few pairs; proves the code path
    )

    # ---- where it starts ----
    start_from: Literal["phase_a", "phase_b"] = "phase_b"  # published: phase B, once that is repaired
    starts: dict[str, str] = field(
        default_factory=lambda: {"phase_a": "nano-facts-answer", "phase_b": "nano-facts-cot"}
    )  # a model, a hub id, or a folder: of a whole model, or of an adapter (then it is continued)
    quantize: bool = True  # published: QLoRA, the base in 4 bits (NF4), also on the CPU
    lora_r: int = 16  # published; only for a new adapter, a continued one has its own
    lora_alpha: int = 32  # published

    # ---- data ----
    pairs_file: str | None = None  # None: the course's pairs.jsonl; else a file of its shape
    tasks_file: str | None = None  # None: the course's tasks.jsonl; else a file of its shape
    train_pairs: int | None = None  # of each kind; None: all of the split "train"
    test_pairs: int | None = None  # of each kind; None: all of the split "test"
    tasks: int | None = None  # test questions that are answered; None: all
    max_length: int = 256  # tokens of prompt and completion; the right end of a longer row is cut

    # ---- training ----
    trainer: Literal["ours", "trl"] = "ours"  # trl: DPOTrainer, for arms with the plain loss
    arms: dict[str, Arm] = field(
        default_factory=lambda: {
            "dpo": Arm(),
            "cal_dpo": Arm("cal_dpo"),
            "schedule": Arm("schedule"),
            "centred": Arm("centred", epochs=2),  # it learns nothing: two epochs show that
            "dpo_flipped": Arm(flips=0.2),
            "dr_dpo_flipped": Arm("dr_dpo", flips=0.2),
            "drop_loss_flipped": Arm("drop_loss", flips=0.2),
            "drop_random_flipped": Arm("drop_random", flips=0.2),
        }
    )
    main_arm: str = "schedule"  # the arm that the ablations, the attributions and the guided loop look at
    beta: float = 0.1  # published
    beta_prime: float = 1.0  # of Dr. DPO; its authors' default
    drop_share: float = 0.15  # published, of the folk variant
    epochs: int = 4  # published
    batch_size: int = 2  # pairs a step; published
    learning_rate: float = 1e-5  # published
    max_grad_norm: float = 1.0  # the usual bound; DPO's first steps are small anyway

    # ---- looking at the result ----
    eval_batch_size: int = 32  # pairs or prompts a batch
    max_new_tokens: int = 96  # of an answer with its reasoning
    attributed: int = 20  # test pairs whose attributions are computed
    attribution_steps: int = 64  # midpoints; metrics.json tells how far completeness is missed
    guided_rounds: int = 2  # of the self-guided loop; 0: none
    guided_epochs: int = 1  # a round
    guided_questions: int | None = 200  # whose drafts are made anew, of training and of test; None: all
    draft_temperature: float = 1.0  # plain sampling: two greedy drafts would be the same
    bootstrap_resamples: int = 2000  # of the intervals

    def __post_init__(self) -> None:
        counts = ("lora_r", "max_length", "epochs", "batch_size", "eval_batch_size", "max_new_tokens")
        for name in (*counts, "attribution_steps", "bootstrap_resamples", "guided_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        for name in ("train_pairs", "test_pairs", "tasks", "guided_questions", "guided_rounds", "attributed"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} can't be below 0, found {getattr(self, name)}")
        if self.attributed == 1:
            raise ValueError("attributed must be 0 or at least 2: one draft can't be shuffled")
        if set(PHASES) - set(self.starts):
            raise ValueError(f"starts must name {PHASES}, found {sorted(self.starts)}")
        if {"start", *PHASES} & set(self.arms):
            raise ValueError(f"an arm can't be named start or {PHASES}, found {sorted(self.arms)}")
        if self.main_arm not in self.arms:
            raise ValueError(f"main_arm must be one of {sorted(self.arms)}, found {self.main_arm!r}")
        for name, arm in self.arms.items():
            if arm.loss not in LOSSES or not 0 <= arm.flips < 0.5:
                raise ValueError(f"arm {name}: need a loss of {LOSSES} and 0 <= flips < 0.5, found {arm}")
            if not re.fullmatch(r"\w+", name):
                raise ValueError(f"an arm's name is a folder's: letters, digits and _, found {name!r}")
            if (self.beta if arm.beta is None else arm.beta) <= 0 or (
                arm.epochs is not None and arm.epochs < 1
            ):
                raise ValueError(f"arm {name}: need beta > 0 and epochs >= 1, found {arm}")
            if arm.loss == "schedule" and arm.beta is not None:
                raise ValueError(f"arm {name}: the schedule brings its own beta, found {arm.beta}")
            if self.trainer == "trl" and arm.loss != "dpo":
                raise ValueError(f"arm {name}: TRL has no {arm.loss}; name arms with the loss dpo alone")
        if min(self.learning_rate, self.beta_prime, self.draft_temperature) <= 0:
            raise ValueError("learning_rate, beta_prime and draft_temperature must be above 0")
        if not 0 <= self.drop_share < 1:
            raise ValueError(f"need 0 <= drop_share < 1, found {self.drop_share}")


def shrunk(config: Config) -> Config:
    """The same run, small enough for a CPU and CI: few pairs, short answers; the code path stays as it is."""
    return replace(
        config,
        train_pairs=4,
        test_pairs=3,
        tasks=3,
        epochs=min(config.epochs, 2),
        batch_size=2,
        max_length=min(config.max_length, 160),
        max_new_tokens=min(config.max_new_tokens, 8),
        attributed=2,
        attribution_steps=4,
        guided_rounds=min(config.guided_rounds, 1),
        guided_questions=3,
        bootstrap_resamples=20,
    )
