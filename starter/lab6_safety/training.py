"""Lab 6 training: QLoRA on conversations, through transformers' Trainer; and what the loaded model weighs.

    found = train_arm(config, arm, rows, exemplars, device, Path("results/run_simple"))
    load_arm(config, Path("results/run_simple/checkpoints/checkpoint-63"), device)     # (model, tokenizer)

The base is NF4 with double quantization, on the CPU too; the targets and the labels are the student's (6.5,
6.3).
Source: Dettmers et al. 2023 (arXiv 2305.14314); PEFT 0.21, transformers 5. Left out: which rows an arm learns
from (run.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.data import write_json
from labkit.errors import LabError
from labkit.models import load_causal_lm, load_tokenizer

from .config import Arm, Config
from .data import assistant_labels, chat_messages
from .method import WANTED, lora_targets, storage_bytes

Rows = Sequence[dict[str, Any]]


# ---- the model ----


def load_base(config: Config, device):
    """(model, tokenizer), untuned; in 4 bits if the configuration says so."""
    quantize = "nf4" if config.quantize else None
    options = {"shrink": config.shrink, "seed": config.seed}
    model = load_causal_lm(config.model, device=device, quantize=quantize, **options)
    return model, load_tokenizer(config.model, shrink=config.shrink)


def load_arm(config: Config, adapter: Path | None, device):
    """(model, tokenizer) with an adapter on the base; None: the base alone."""
    model, tokenizer = load_base(config, device)
    if adapter is None:
        return model, tokenizer
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(adapter)).eval(), tokenizer


def linear_shapes(model) -> dict[str, tuple[int, int]]:
    """Full name of every linear layer but the output layer -> (out, in); 4-bit layers count like others."""
    import torch

    output = model.get_output_embeddings()
    return {
        name: (module.out_features, module.in_features)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not output
    }


def memory(model) -> dict:
    """What the loaded model takes, by the student's formula (6.9) and by adding up its tensors' bytes."""
    quantized, kept, stored = {}, {}, 0
    for name, weight in model.named_parameters():
        state = getattr(weight, "quant_state", None)
        stored += weight.nbytes
        if state is None:
            kept[name] = weight.numel()
            continue
        quantized[name] = math.prod(state.shape)
        parts = [state.absmax, state.code, state.offset]
        parts += [state.state2.absmax, state.state2.code] if state.nested else []
        stored += sum(part.nbytes for part in parts if part is not None)
    kept_bytes = model.get_input_embeddings().weight.element_size()
    predicted = storage_bytes(quantized, kept, kept_bytes=kept_bytes)
    return {"predicted": predicted, "stored": stored, "error": predicted["total"] / stored - 1}


# ---- training ----


def encoded(config: Config, rows: Rows, exemplars: Rows, tokenizer) -> tuple[list[dict], int]:
    """(ids and labels of each row, how many didn't fit). A row that is no problem gets no exemplars.

    Raises LabError: no row fits.
    """
    made, too_long = [], 0
    for row in rows:
        shown = exemplars[: config.train_shots] if "kind" not in row else []
        messages = chat_messages(row["question"], shown, row["answer"])
        one = assistant_labels(messages, tokenizer, config.max_length)
        too_long += one is None
        made += [one] if one else []
    if not made:
        raise LabError(f"rows of at most {config.max_length} tokens", "none", command="--max_length N")
    return made, too_long


def train_arm(config: Config, arm: Arm, rows: Rows, exemplars: Rows, device, target: Path) -> dict:
    """Trains an arm; adapters in `target`/checkpoints/checkpoint-<step>. Gives what was learned, and how."""
    import shutil

    import datasets
    import peft
    import transformers

    shutil.rmtree(target / "checkpoints", ignore_errors=True)  # of a training that was killed
    transformers.set_seed(config.seed)
    model, tokenizer = load_base(config, device)
    coverage = lora_targets(linear_shapes(model), WANTED, config.lora_r)
    if config.quantize:
        model = peft.prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=config.gradient_checkpointing
        )
    settings = peft.LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=coverage["targets"],
        task_type="CAUSAL_LM",
    )
    model = peft.get_peft_model(model, settings)
    made, too_long = encoded(config, rows, exemplars, tokenizer)
    updates = math.ceil(math.ceil(len(made) / config.batch_size) / config.gradient_accumulation)  # an epoch
    steps = math.ceil(updates * arm.epochs)
    arguments = transformers.TrainingArguments(
        output_dir=str(target / "checkpoints"),
        learning_rate=config.learning_rate,
        num_train_epochs=arm.epochs,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        **({"activation_checkpointing": True} if config.gradient_checkpointing else {}),
        warmup_steps=math.ceil(config.warmup_share * steps),
        lr_scheduler_type="cosine",
        bf16=device.type == "cuda",
        save_strategy="steps",
        save_steps=math.ceil(steps / config.checkpoints),  # and the last step
        save_only_model=True,
        logging_strategy="no" if config.tracker == "none" else "steps",  # the bar is enough on a screen
        logging_steps=max(1, steps // 10),
        report_to=config.tracker,
        run_name=f"lab6_{config.profile}_seed{config.seed}_{target.name}",
        seed=config.seed,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type == "cuda",
    )
    collate = transformers.DataCollatorForSeq2Seq(tokenizer, padding="longest", label_pad_token_id=-100)
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=datasets.Dataset.from_list(made),
        data_collator=collate,
        processing_class=tokenizer,
    )
    done = trainer.train()
    found = {
        "rows": len(made),
        "too_long": too_long,
        "optimiser_steps": trainer.state.global_step,
        "training_loss": float(done.training_loss),
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "coverage": coverage,
    }
    write_json(target / "training.json", found)
    return found


def checkpoints_of(target: Path) -> list[Path]:
    """The adapters of a training, the earliest first: by number, since "90" comes after "100" as text."""
    folders = [path for path in (target / "checkpoints").glob("checkpoint-*") if path.is_dir()]
    return sorted(folders, key=step_of)


def step_of(checkpoint: Path) -> int:
    return int(re.fullmatch(r"checkpoint-(\d+)", checkpoint.name)[1])
