"""Lab 2 settings: one frozen dataclass; a preset in `configs/` says what differs on its profile.

    labs run lab2 --profile nano --seed 1 --train_samples 150

Every cause of the published failure is a switch of an arm (`Arm`): an entry of `arms` is one row of the
ablation table. Defaults are the published ones where the guide has one, and the comment says so. Source of
the other numbers: measured on design seeds (100 and above), never on recorded ones. Left out: several GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal


@dataclass(frozen=True)
class Arm:
    """One way to tune the model and to score it; the first value of each switch is the published one.

    `target` "answer" is Phase A. An arm that differs from an earlier one in how it is scored only is not
    trained again.
    """

    target: Literal["answer_from_reasoning", "rationale", "answer"] = "answer_from_reasoning"
    prior: Literal["as_kept", "weights", "upsample", "rationalise"] = "as_kept"
    steps: Literal["published", "enough"] = "published"
    targets: Literal["published_list", "all_linear"] = "published_list"
    mask: Literal["all_tokens", "assistant"] = "all_tokens"
    scorer: Literal["default_no", "anchored"] = "default_no"
    context: Literal["draft", "question"] = "draft"  # what the prompt holds at test time
    start_from: Literal["phase_a", "base"] = "phase_a"
    against: str | None = None  # the arm that its row is compared with; None: the row above
    __pydantic_config__: ClassVar[dict] = {"extra": "forbid"}  # a typing error in a preset is an error

    @property
    def training(self) -> tuple[str, ...]:
        """What decides the weights: arms with the same are trained once."""
        return (self.target, self.prior, self.steps, self.targets, self.mask, self.start_from)


_PHASE_A = {"target": "answer", "start_from": "base", "scorer": "anchored", "context": "question"}
_PHASE_A |= {"mask": "assistant", "steps": "enough"}
_CHAINS = {**_PHASE_A, "target": "rationale", "targets": "all_linear"}


def _arms() -> dict[str, Arm]:
    """Phase A; the published Phase B and its repairs, each added to those before it; then three controls.

    New targets need a new adapter, so from `targets` on the arms start from the base. Of the repairs of the
    classes `prior`, rationalisation, is the one that the repaired Phase B has.
    """
    return {
        "phase_a": Arm(**_PHASE_A),
        "published": Arm(),
        "scorer": Arm(scorer="anchored"),
        "target": Arm(scorer="anchored", target="rationale", mask="assistant", context="question"),
        "steps": Arm(**{**_PHASE_A, "target": "rationale", "start_from": "phase_a"}),
        "targets": Arm(**_CHAINS),
        "weights": Arm(**_CHAINS, prior="weights"),
        "upsample": Arm(**_CHAINS, prior="upsample", against="targets"),
        "prior": Arm(**_CHAINS, prior="rationalise", against="targets"),
        "prior_default_no": Arm(**{**_CHAINS, "scorer": "default_no"}, prior="rationalise"),
        "phase_a_weights": Arm(**_PHASE_A, prior="weights", against="phase_a"),
        "phase_a_upsample": Arm(**_PHASE_A, prior="upsample", against="phase_a"),
    }


@dataclass(frozen=True)
class Config:
    """Everything that decides the numbers of a run. Raises ValueError: settings that can't work together."""

    profile: str = "nano"  # names the run folder, runs/lab2_<profile>_seed<seed>
    seed: int = 1  # of the sample, of the rule-based teacher's errors and of the training order
    out: str | None = None  # None: runs/lab2_<profile>_seed<seed> in the course's folder
    shrink: bool = False  # True: two random layers of the same architecture, a few items; proves the code
    not_compared: ClassVar[tuple[str, ...]] = ("env_file", "budget")

    # ---- data ----
    questions: str = "course"  # "course", or a folder or hub id with StrategyQA's public fields
    train_samples: int = 200  # published (TRAIN_SAMPLES); questions that the teacher is asked about
    validation_samples: int = 60  # asked as well; early stopping looks at their loss
    test_items: int | None = None  # None: all

    # ---- student ----
    model: str = "nano-facts"  # published: microsoft/phi-2, then Phi-3.5-mini
    draft_new_tokens: int = 35  # published (MAX_NEW_TOKENS)
    draft_temperature: float = 0.7  # so that drafts differ; 0 is greedy

    # ---- teacher ----
    teacher: Literal["rule", "api"] = "rule"  # "api": any OpenAI-compatible endpoint, settings in env_file
    attempts: int = 1  # published: asked once; more than half of the attempts must agree
    env_file: str = ".env"  # published names: OPENAI_API_KEY, GPT4_MODEL, GPT4_MAX_TOKENS, DRY_RUN, ...
    budget: float | None = None  # dollars; more expensive requests aren't begun

    # ---- QLoRA ----
    quantize: bool = True  # NF4 with double quantization, on any device
    lora_r: int = 16  # published
    lora_alpha: int = 32  # published
    lora_dropout: float = 0.1  # published
    max_length: int = 2048  # published; tokens of a row
    learning_rate: float = 2e-4  # published; of the arms with steps: published
    # ---- steps: enough ----
    enough_learning_rate: float = 1e-3  # a small model learns with larger steps
    enough_batch_size: int = 8  # rows a step, no accumulation: more and smaller steps
    enough_epochs: int = 12  # at most
    patience: int = 2  # epochs without a better validation loss, then the best one is taken
    warmup_share: float = 0.05  # of all steps; a cold Adam overshoots
    gradient_checkpointing: bool = False  # True: less memory, a third slower

    # ---- evaluation ----
    max_new_tokens: int = 80  # of the anchored scorer: a chain and its answer; the published scorer takes 5
    eval_batch_size: int = 100  # prompts a batch
    bootstrap_resamples: int = 1000  # of the intervals; 1,000 give the 95 % ends to a fifth of a point
    arms: dict[str, Arm] = field(default_factory=_arms)  # the ablation table, row by row
    baseline: str = "phase_a"  # the arm that the others are held against; those with phase_a start from it
    broken: str = "published"  # the arm that reproduces the failure
    repaired: str = "prior"  # the arm with every repair
    tracker: Literal["none", "wandb", "trackio"] = "none"  # off: nothing leaves this machine

    def __post_init__(self) -> None:
        counts = ("train_samples", "validation_samples", "draft_new_tokens", "attempts", "lora_r")
        counts += (
            "max_length",
            "enough_batch_size",
            "enough_epochs",
            "patience",
            "max_new_tokens",
            "eval_batch_size",
        )
        for name in (*counts, "bootstrap_resamples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.learning_rate <= 0 or self.enough_learning_rate <= 0 or self.draft_temperature < 0:
            raise ValueError("need positive learning rates, and a draft_temperature of at least 0")
        for role in (self.baseline, self.broken, self.repaired):
            if role not in self.arms:
                raise ValueError(f"no arm {role!r} among {[*self.arms]}")
        first = self.arms[self.baseline]
        if first.target != "answer" or first.start_from != "base":
            raise ValueError(f"the baseline {self.baseline!r} needs target: answer and start_from: base")
        for name, arm in self.arms.items():
            if arm.start_from == "phase_a" and arm.targets != first.targets:
                raise ValueError(f"{name}: going on from {self.baseline} needs its targets, {first.targets}")
            above = list(self.arms)[: list(self.arms).index(name)]
            if arm.against is not None and arm.against not in above:
                raise ValueError(f"{name}: against names an arm above it, {above}, found {arm.against!r}")
        if any(not name or set(name) & set('/\\:*?"<>|') or name.startswith(".") for name in self.arms):
            raise ValueError(f"the arms' names name folders: no / and no dot first, found {[*self.arms]}")

    def folder_of(self, name: str) -> str:
        """Where an arm's adapter lies in the run folder; arms that differ in scoring only share one.

        Phase A and the Phase B with every repair have the published names.
        """
        first = next(arm for arm in self.arms if self.arms[arm].training == self.arms[name].training)
        return f"models/{({self.baseline: 'baseline_phaseA', self.repaired: 'cot_phaseB'}).get(first, first)}"


def shrunk(config: Config) -> Config:
    """The same run, small enough for a CPU and CI: few items, short answers; the code path stays as it is."""
    return replace(
        config,
        questions=config.questions if Path(config.questions).exists() else "course",  # no network
        train_samples=24,
        validation_samples=8,
        test_items=12,
        draft_new_tokens=min(config.draft_new_tokens, 8),
        max_new_tokens=min(config.max_new_tokens, 8),
        max_length=min(config.max_length, 512),
        enough_epochs=1,
        teacher="rule",
        bootstrap_resamples=20,
    )
