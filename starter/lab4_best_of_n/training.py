"""Lab 4 training: one fine-tuning run, and which of its checkpoints is the latest.

    train_once(config, device, 1e-3, "data/train.jsonl", Path("checkpoints/lr_0.001"))
    latest_checkpoint(Path("checkpoints/lr_0.001"))           # .../checkpoint-405

Encoding, data set and trainer are the student's (4.1 to 4.3). Source: transformers 5, `TrainingArguments`.
Left out: the sweep over learning rates (run.py), several GPUs.
"""

from __future__ import annotations

from pathlib import Path

from labkit.errors import LabError
from labkit.models import load_causal_lm, load_tokenizer

from .config import Config
from .data import encode_function, load_and_prepare_train_dataset
from .method import build_trainer


def train_once(config: Config, device, rate: float, train_file: Path, target: Path) -> dict:
    """One fine-tuning run into `target`; training and validation losses in nats per answer token."""
    import transformers

    transformers.set_seed(config.seed)
    tokenizer = load_tokenizer(config.generator, shrink=config.shrink)
    model = load_causal_lm(config.generator, device=device, shrink=config.shrink, seed=config.seed)
    model = model.float()  # bfloat16 weights would round a small update away; autocast keeps the speed
    kept = None if config.train_items is None else config.train_items + config.validation_rows
    rows = load_and_prepare_train_dataset(
        train_file, tokenizer, encode_function, config.max_length, kept, config.seed
    )
    validation = rows.select(range(min(config.validation_rows, len(rows) // 2)))
    training = rows.select(range(len(validation), len(rows)))
    arguments = transformers.TrainingArguments(
        output_dir=str(target),
        learning_rate=rate,
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.train_batch_size,
        per_device_eval_batch_size=config.train_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        warmup_steps=config.warmup_share,  # below 1: a share of all steps
        lr_scheduler_type="cosine",
        weight_decay=config.weight_decay,
        bf16=config.bf16,
        activation_checkpointing=config.gradient_checkpointing,
        use_cache=True,  # saved with the checkpoint: without it, sampling from it later is many times slower
        save_strategy="epoch",
        save_only_model=True,  # a run starts over or is finished; nobody needs the optimiser's state
        logging_steps=20,
        report_to=config.tracker,
        run_name=f"lab4_{config.profile}_seed{config.seed}_{target.name}",
        seed=config.seed,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type == "cuda",
    )
    trainer = build_trainer(model, tokenizer, training, arguments)
    done = trainer.train()
    history = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    found = trainer.evaluate(validation)["eval_loss"]
    return {"training_loss": float(done.training_loss), "validation_loss": float(found), "history": history}


def latest_checkpoint(folder: Path) -> Path:
    """The `checkpoint-<step>` with the highest step as a number: 1000 comes after 900, not before 101."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    if not found:
        raise LabError("a folder checkpoint-<step>", "none", folder, "run the stage train again")
    return max(found, key=lambda path: int(path.name.removeprefix("checkpoint-")))
