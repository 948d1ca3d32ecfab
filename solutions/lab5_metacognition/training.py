"""Lab 5 training: LoRA or all weights on short conversations, the same numbers for any number of processes.

    train(TrainJob(base="nano-trivia", rows=rows, target="epoch_1", …))    # through transformers' Trainer
    merge_into_base("nano-trivia", "knowledge", "base_with_knowledge", …)  # with the student's 5.9

Rows are put in order here, epoch by epoch, and cut to whole steps of `batches_per_step` batches; a process
takes every n-th batch of a step. So a step sees the same rows on one process and on eight. Sources:
transformers 5 `Trainer`, peft, accelerate; Rajbhandari et al. 2020 (ZeRO, arXiv 1910.02054). Left out: which
rows (judging.py, phases.py).
"""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from labkit.data import write_json
from labkit.errors import LabError
from labkit.models import load_causal_lm, load_tokenizer

from .collect import prompt_of
from .method import merge_lora

IGNORE = -100


@dataclass(frozen=True)
class TrainJob:
    """One training. `adapter`: go on with this adapter; `lora`: train an adapter (on the last
    `lora_blocks`, None: on all), else all weights."""

    base: str
    target: str
    rows: list[list[dict[str, str]]] = field(repr=False)
    lora: bool = True
    adapter: str | None = None
    shrink: bool = False
    force_cpu: bool = False
    seed: int = 0
    epochs: int = 1
    learning_rate: float = 1e-4
    batch_size: int = 16
    batches_per_step: int = 1
    warmup_share: float = 0.05
    max_length: int = 1024
    lora_r: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    lora_blocks: int | None = None
    deepspeed: str | None = None
    tracker: str = "none"


# ---- what a step sees ----


def in_order(count: int, epochs: int, per_step: int, seed: int) -> list[int]:
    """Indices of rows, shuffled anew for each epoch, cut to whole steps; fewer than a step are repeated."""
    order: list[int] = []
    for epoch in range(epochs):
        once = list(range(count))
        random.Random(f"{seed}/{epoch}").shuffle(once)
        while len(once) < per_step:
            once += once[: per_step - len(once)]
        order += once[: len(once) // per_step * per_step]
    return order


def encoded(tokenizer, messages: list[dict[str, str]], max_length: int) -> dict | None:
    """Ids and labels of a question and its reply; only the reply and its end are learned. None: too long.

    Raises LabError: a chat template that writes the prompt differently once there is a reply.
    """
    prompt = prompt_of(tokenizer, messages[:-1])
    whole = tokenizer.apply_chat_template(messages, tokenize=False)
    if not whole.startswith(prompt):
        raise LabError(
            "a chat template whose prompt begins the conversation", repr(whole[: len(prompt) + 40])
        )
    head = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    tail = tokenizer(whole[len(prompt) :], add_special_tokens=False)["input_ids"]
    if tokenizer.eos_token_id in tail:  # what a template writes behind the end is no part of a reply
        tail = tail[: tail.index(tokenizer.eos_token_id) + 1]
    if len(head) + len(tail) > max_length:
        return None
    return {"input_ids": head + tail, "labels": [IGNORE] * len(head) + tail}


# ---- training ----


def train(job: TrainJob) -> dict:
    """Trains into the folder `job.target`; what was learned from how much. In each process of a launch alike.

    Raises LabError: no row that fits into `max_length`.
    """
    import datasets
    import torch
    import transformers

    world = int(torch.distributed.get_world_size()) if torch.distributed.is_initialized() else 1
    cpu = job.force_cpu or not (torch.cuda.is_available() or torch.backends.mps.is_available())
    arguments = transformers.TrainingArguments(  # first: with ZeRO-3 it decides how weights are loaded
        output_dir=f"{job.target}.checkpoints",
        per_device_train_batch_size=job.batch_size,
        gradient_accumulation_steps=job.batches_per_step // world,
        train_sampling_strategy="sequential",
        num_train_epochs=1,  # the order holds all of them
        learning_rate=job.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=job.warmup_share,  # below 1: a share of all steps
        bf16=not cpu,
        save_strategy="no",
        logging_steps=20,
        report_to=job.tracker,
        seed=job.seed,
        use_cpu=cpu,
        ddp_backend="gloo" if cpu and world > 1 else None,
        deepspeed=job.deepspeed,
        dataloader_pin_memory=not cpu,
    )
    arguments._n_gpu = 1  # a process, a GPU: else transformers spreads a batch over all it sees
    transformers.set_seed(job.seed)
    tokenizer = load_tokenizer(job.base, shrink=job.shrink)
    rows = [row for row in (encoded(tokenizer, turns, job.max_length) for turns in job.rows) if row]
    if not rows:
        found = f"none of {len(job.rows)} has at most {job.max_length} tokens"
        raise LabError("rows to learn from", found, command="--max_length N, larger")
    order = in_order(len(rows), job.epochs, job.batch_size * job.batches_per_step, job.seed)
    model = prepared(job)
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=datasets.Dataset.from_list([rows[i] for i in order]),
        data_collator=transformers.DataCollatorForSeq2Seq(tokenizer, padding=True, label_pad_token_id=IGNORE),
        processing_class=tokenizer,
    )
    loss = torch.tensor([trainer.train().training_loss], device=arguments.device)
    trainer.save_model(job.target)  # gathers what ZeRO-3 has spread
    shutil.rmtree(f"{job.target}.checkpoints", ignore_errors=True)
    found = {
        "rows": len(rows),
        "left_out": len(job.rows) - len(rows),
        "rows_seen": len(order),
        "optimiser_steps": trainer.state.global_step,
        "training_loss": float(trainer.accelerator.gather(loss).mean()),  # each process knows its own
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }
    if trainer.is_world_process_zero():
        write_json(Path(job.target) / "training.json", found)
    return found


def prepared(job: TrainJob):
    """The model to train: the base, with a new or an earlier adapter, or with all weights."""
    import peft

    model = load_causal_lm(job.base, shrink=job.shrink, seed=job.seed).train()
    if job.deepspeed is None:  # which keeps a float32 copy by itself
        model = model.float()
    if not job.lora:
        return model
    if job.adapter is not None:
        return peft.PeftModel.from_pretrained(model, job.adapter, is_trainable=True)
    layers = "all-linear" if job.lora_blocks is None else last_layers(model, job.lora_blocks)
    settings = peft.LoraConfig(
        r=job.lora_r,
        lora_alpha=job.lora_alpha,
        lora_dropout=job.lora_dropout,
        target_modules=layers,
        task_type="CAUSAL_LM",
    )
    return peft.get_peft_model(model, settings)


def last_layers(model, blocks: int) -> list[str]:
    """Names of the linear layers in the last so many blocks. What lies below then stays as it was."""
    import torch

    first = model.config.get_text_config().num_hidden_layers - blocks
    numbers = {
        name: re.search(r"\.layers\.(\d+)\.", name)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    return [name for name, number in numbers.items() if number and int(number[1]) >= first]


def load_trained(base: str, adapter: str | None, device, shrink: bool = False, seed: int = 0):
    """(model, tokenizer) in eval mode: a base, with an adapter on it if there is one."""
    model = load_causal_lm(base, device=device, shrink=shrink, seed=seed)
    if adapter is not None:
        import peft

        model = peft.PeftModel.from_pretrained(model, adapter)
    return model.eval(), load_tokenizer(base, shrink=shrink)


# ---- merging ----


def merge_into_base(base: str, adapter: str, target: Path, shrink: bool = False, seed: int = 0) -> int:
    """Writes the base with every layer of the adapter merged in (5.9); the number of merged layers."""
    import peft
    import torch

    plain = load_causal_lm(base, shrink=shrink, seed=seed)
    weights = dict(plain.state_dict())
    model = peft.PeftModel.from_pretrained(load_causal_lm(base, shrink=shrink, seed=seed), adapter)
    prefix, merged = "base_model.model.", 0
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, peft.tuners.lora.LoraLayer) and "default" in module.lora_A:
                a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
                key = f"{name.removeprefix(prefix)}.weight"
                weights[key].copy_(merge_lora(weights[key], a, b, module.lora_alpha["default"]))
                merged += 1
    plain.save_pretrained(str(target))
    load_tokenizer(base, shrink=shrink).save_pretrained(str(target))
    return merged
