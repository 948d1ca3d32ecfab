"""Lab 3 training: where a run starts, which model is its reference, our loop, and TRL's behind one switch.

    start = load_start(config, device)              # model, tokenizer, and the reference's mode (3.9)
    log = train(start, pairs, config.arms["dpo"], config, "dpo")       # a line a step

A start that is a whole model gets a new adapter, and its reference is that model: adapters disabled. A start
that is an adapter is continued, and its reference is a frozen copy of it, named "ref": adapters disabled
would be the base, which never saw phase A or B. Either way the first loss of plain DPO is log 2, or the
reference is wrong: that is checked. Source: TRL 1.16, `DPOTrainer`; Dettmers et al. 2023 (QLoRA).
Left out: what is learned from (data.py) and the losses (method.py).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from labkit.errors import LabError
from labkit.models import adapter_folder, base_of, load_causal_lm, load_tokenizer

from .batches import collate, encode_pairs, logps_of_pairs, messages_of, policy_logps
from .config import Arm, Config
from .method import (
    beta_schedule,
    cal_dpo_loss,
    centred_loss,
    dpo_loss,
    dr_dpo_loss,
    drop_noisiest,
    implicit_rewards,
)

FIRST_LOSS_TOLERANCE = 1e-3  # float32 and 4 bits round a little differently in a padded batch


@dataclass(frozen=True)
class Start:
    """A model that is about to be trained. `mode`: its reference, as in `reference_logps`."""

    model: object
    tokenizer: object
    mode: str


# ---- where it starts ----


def load_start(config: Config, device) -> Start:
    """The checkpoint that `start_from` names, ready for training. Raises LabError: it isn't there."""
    import peft

    name = config.starts[config.start_from]
    options = {"device": device, "quantize": "nf4" if config.quantize else None}
    folder = adapter_folder(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if folder is not None:
            model = load_causal_lm(base_of(name), **options)
            model = peft.PeftModel.from_pretrained(model, folder, is_trainable=True)
            freeze_copy(model)
            return Start(ready(model), load_tokenizer(name), "ref")
        model = load_causal_lm(name, shrink=config.shrink, seed=config.seed, **options)
        lora = peft.LoraConfig(
            r=config.lora_r, lora_alpha=config.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        model = peft.get_peft_model(model, lora)
    return Start(ready(model), load_tokenizer(name, shrink=config.shrink), "disabled")


def freeze_copy(model) -> None:
    """Puts a frozen copy of the active adapter beside it, named "ref", or brings it up to date."""
    active = model.active_adapter
    if "ref" not in model.peft_config:
        model.add_adapter("ref", model.peft_config[active])
    for name, weight in list(model.named_parameters()):
        if f".{active}." in name:
            copied = model.get_parameter(name.replace(f".{active}.", ".ref."))
            copied.data.copy_(weight.data)
            copied.requires_grad_(False)
    model.set_adapter(active)


def ready(model):
    """The model as training needs it; see the two functions below."""
    return in_float32(without_dropout(model))


def without_dropout(model):
    """The model with its dropout at 0: a continued adapter brings its own, and with it the policy would
    differ from its reference before the first step. TRL does the same (`disable_dropout`)."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def in_float32(model):
    """Adapter weights in float32: in bfloat16 a small update would be rounded away."""
    for name, weight in model.named_parameters():
        if "lora_" in name:
            weight.data = weight.data.float()
    return model


# ---- our loop ----


def train(start: Start, pairs: Sequence[dict], arm: Arm, config: Config, name: str) -> list[dict]:
    """Trains the start's adapter on the pairs; a line of the log a step. Raises LabError: the first loss of
    plain DPO isn't log 2, or a loss isn't finite."""
    model, tokenizer = start.model, start.tokenizer
    rows = encode_pairs(pairs, tokenizer, config.max_length)
    reference = logps_of_pairs(model, rows, tokenizer, config, start.mode)  # once: it doesn't change
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=0.0)
    log: list[dict] = []
    for epoch in range(1, (arm.epochs or config.epochs) + 1):
        plan = plan_of(arm, config, epoch, log)
        kept = kept_pairs(start, rows, reference, plan, arm, config, epoch)
        for step, places in enumerate(batches_of(kept, config.batch_size, f"{config.seed}/{epoch}"), 1):
            batch = collate([rows[i] for i in places], tokenizer.pad_token_id, model.device)
            policy = policy_logps(model, batch)
            four = (*policy, *reference[:, places].to(model.device))
            loss = loss_of(four, arm, plan, config)
            check_loss(loss, log, arm, plan, name)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, config.max_grad_norm)
            optimizer.step()
            log.append(line_of(four, float(loss.detach()), plan, epoch, step, len(kept)))
    return log


def plan_of(arm: Arm, config: Config, epoch: int, log: Sequence[dict]) -> dict:
    """β and switches of an epoch, and the log-ratio gap so far, in nats."""
    last = [line for line in log if line["epoch"] == epoch - 1]
    margins, scaled = [line["margin"] for line in last], last[-1]["beta"] if last else None
    plan = beta_schedule(epoch, margins, scaled)
    if arm.loss == "schedule":
        return plan
    switches = {"calibrated": arm.loss == "cal_dpo", "robust": arm.loss == "dr_dpo"}
    return {**plan, "beta": arm.beta or config.beta, **switches}


def loss_of(four: Sequence[torch.Tensor], arm: Arm, plan: dict, config: Config) -> torch.Tensor:
    """The batch's loss, put together from the student's functions."""
    if arm.loss == "centred":
        return centred_loss(*four, plan["beta"])
    if plan["calibrated"]:
        return cal_dpo_loss(*four, plan["beta"])
    if plan["robust"]:
        return dr_dpo_loss(losses_of(four, plan["beta"]), config.beta_prime)
    return dpo_loss(*four, plan["beta"])


def losses_of(four: Sequence[torch.Tensor], beta: float) -> torch.Tensor:
    """(pairs,): the DPO loss of each pair by itself, as a batch of one."""
    return torch.stack([dpo_loss(*(side[i : i + 1] for side in four), beta) for i in range(len(four[0]))])


def kept_pairs(start: Start, rows, reference, plan: dict, arm: Arm, config: Config, epoch: int) -> list[int]:
    """The pairs of an epoch. The dropping arms begin to drop after the first epoch: before, nothing tells
    noise from anything else."""
    everything = list(range(len(rows)))
    if epoch == 1 or not arm.loss.startswith("drop_"):
        return everything
    if arm.loss == "drop_random":
        draw = random.Random(f"drop/{config.seed}/{epoch}")
        return drop_noisiest([draw.random() for _ in everything], config.drop_share)
    now = logps_of_pairs(start.model, rows, start.tokenizer, config, "self")
    return drop_noisiest(losses_of((*now, *reference), plan["beta"]).tolist(), config.drop_share)


def batches_of(places: Sequence[int], size: int, seed: str) -> Iterator[list[int]]:
    """The places in a random order, a batch at a time."""
    order = list(places)
    random.Random(seed).shuffle(order)
    for start in range(0, len(order), size):
        yield order[start : start + size]


def check_loss(loss: torch.Tensor, log: Sequence[dict], arm: Arm, plan: dict, name: str) -> None:
    value = float(loss.detach())
    if not math.isfinite(value):
        raise LabError("a finite loss", str(value), f"arm {name}, after {len(log)} steps")
    plain = arm.loss != "centred" and not plan["calibrated"] and not plan["robust"]
    if not log and plain and abs(value - math.log(2)) > FIRST_LOSS_TOLERANCE:
        raise LabError(
            "a first loss of log 2 = 0.6931: before the first step the model is its reference",
            f"{value:.4f}; the reference is another model (adapters disabled, for a continued adapter?)",
            f"arm {name}",
        )


def line_of(four: Sequence[torch.Tensor], loss: float, plan: dict, epoch: int, step: int, kept: int) -> dict:
    """One line of the log; log-ratios in nats, so that they can be compared across β."""
    rewards = implicit_rewards(*four, plan["beta"])
    up, down = (four[i] - four[i + 2] for i in (0, 1))
    return {
        "epoch": epoch,
        "step": step,
        "kept": kept,
        "beta": plan["beta"],
        "loss": loss,
        "margin": float(rewards["margin"].mean()),
        "accuracy": float(rewards["accuracy"].mean()),
        "chosen_ratio": float(up.detach().mean()),
        "rejected_ratio": float(down.detach().mean()),
        "gap_before_epoch": plan["log_ratio_gap"],
    }


# ---- TRL's ----


def train_with_trl(start: Start, pairs: Sequence[dict], arm: Arm, config: Config, out: Path) -> list[dict]:
    """The same run by TRL's DPOTrainer (plain DPO only); its log, by its own names.

    TRL copies a continued adapter to "ref" by itself, so ours is taken away first; for a 4-bit model it also
    turns the adapter into bfloat16, where small updates are lost: they go back to float32 before training.
    """
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    if start.mode == "ref":
        start.model.delete_adapter("ref")
    arguments = DPOConfig(
        output_dir=str(out),
        beta=arm.beta or config.beta,
        loss_type=["sigmoid"],
        learning_rate=config.learning_rate,
        lr_scheduler_type="constant",
        num_train_epochs=arm.epochs or config.epochs,
        per_device_train_batch_size=config.batch_size,
        max_grad_norm=config.max_grad_norm,
        max_length=config.max_length,
        weight_decay=0.0,
        bf16=False,
        gradient_checkpointing=False,
        save_strategy="no",
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        seed=config.seed,
        use_cpu=str(start.model.device) == "cpu",
    )
    trainer = DPOTrainer(
        model=start.model,
        args=arguments,
        train_dataset=Dataset.from_list([messages_of(pair) for pair in pairs]),
        processing_class=start.tokenizer,
    )
    in_float32(start.model)
    trainer.train()
    return [line for line in trainer.state.log_history if "loss" in line]
