"""Lab 1 training: one model fine-tuned on prompts and targets, gone on with where it was stopped.

    train_model(config, "nano-flan", device, rows, Path("checkpoints/nano-flan"), key="…")
    checkpoints/nano-flan/final_model          the model and its tokenizer, as transformers loads them

Prompts and encoding are the student's (1.1 to 1.3). While it trains, the folder holds a checkpoint an epoch
and `started.json` with the `key` of what it is trained on; a killed training of the same key goes on from the
last epoch and ends with the same weights. Source: transformers 5, `Trainer`. Left out: choosing among
checkpoints; the last one is kept.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from labkit.data import write_json
from labkit.errors import LabError
from labkit.models import load_causal_lm, load_seq2seq_lm, load_tokenizer

from .config import Config, ModelEntry
from .data import IGNORE, build_prompts, encode_causal, encode_seq2seq
from .system import data_workers

FINAL = "final_model"


def train_model(config: Config, model_key: str, device, rows: Sequence[dict], target: Path, key: str) -> dict:
    """Trains one entry of `config.models` into `target/final_model`; its losses in nats per target token."""
    import transformers

    entry = config.models[model_key]
    seed = config.seed + entry.seed_offset
    resumed = _prepare(target, key)
    transformers.set_seed(seed)
    model, tokenizer = load_entry(entry, device, config, seed)
    model = model.float()  # bfloat16 weights would round a small update away; autocast keeps the speed
    dataset = encoded_rows(config, entry, tokenizer, rows)
    arguments = transformers.TrainingArguments(
        output_dir=str(target),
        learning_rate=entry.learning_rate or config.learning_rate,
        num_train_epochs=entry.num_epochs or config.num_epochs,
        per_device_train_batch_size=config.train_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        warmup_steps=config.warmup_share,  # below 1: a share of all steps
        lr_scheduler_type="cosine",
        weight_decay=config.weight_decay,
        bf16=config.bf16,
        activation_checkpointing=config.gradient_checkpointing,
        save_strategy="epoch",
        save_total_limit=1,
        logging_strategy="epoch",  # whole epochs, so that a training that was gone on with logs the same
        report_to=config.tracker,
        run_name=f"lab1_{config.profile}_seed{config.seed}_{model_key}",
        seed=seed,
        use_cpu=device.type == "cpu",
        dataloader_num_workers=data_workers(config.platform, config.dataloader_workers),
        dataloader_pin_memory=device.type == "cuda",
    )
    collator = transformers.DataCollatorForSeq2Seq(tokenizer, padding="longest", label_pad_token_id=IGNORE)
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        data_collator=collator,
        processing_class=tokenizer,
    )
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    logged = [(entry["step"], entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
    _keep(trainer, tokenizer, target)
    return {"training_loss": mean_loss(logged), "history": [loss for _, loss in logged], "rows": len(dataset)}


def mean_loss(logged: Sequence[tuple[int, float]]) -> float | None:
    """The mean over steps of losses that were each logged as the mean since the step before it.

    The Trainer's own `training_loss` forgets what came before it was gone on with.
    """
    total, last = 0.0, 0
    for step, loss in logged:
        total, last = total + (step - last) * loss, step
    return total / last if last else None


def load_entry(entry: ModelEntry, device, config: Config, seed: int = 0):
    """(model, tokenizer) of an entry, untuned; a tokenizer without a pad token pads with its end token."""
    load = load_seq2seq_lm if entry.type == "seq2seq" else load_causal_lm
    model = load(entry.name, device=device, shrink=config.shrink, seed=seed)
    tokenizer = load_tokenizer(entry.name, shrink=config.shrink)
    return model, with_padding(tokenizer)


def load_trained(entry: ModelEntry, folder: Path, device):
    """(model, tokenizer) of a trained entry, from its `final_model`."""
    load = load_seq2seq_lm if entry.type == "seq2seq" else load_causal_lm
    return load(folder, device=device), with_padding(load_tokenizer(folder))


def with_padding(tokenizer):
    """The tokenizer, with its end token as pad token if it has none (GPT-2's hasn't)."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def encoded_rows(config: Config, entry: ModelEntry, tokenizer, rows: Sequence[dict]):
    """The training set of an entry; rows with nothing left to learn are dropped (their loss would be NaN).

    Raises LabError: no row is left.
    """
    import datasets

    prompts = [build_prompts(row["instruction"], row["input"])[entry.type] for row in rows]
    examples = {"prompt": prompts, "target": [row["output"] for row in rows]}
    if entry.type == "seq2seq":
        made = encode_seq2seq(examples, tokenizer, config.max_input_length, config.max_target_length)
    else:
        longest = config.max_input_length + config.max_target_length
        made = encode_causal(examples, tokenizer, longest)
    kept = [i for i, labels in enumerate(made["labels"]) if set(labels) - {IGNORE}]
    if not kept:
        found = f"none: every prompt alone fills {config.max_input_length + config.max_target_length} tokens"
        raise LabError("rows with something to learn", found, entry.name, "--max_input_length N, larger")
    return datasets.Dataset.from_dict({name: [made[name][i] for i in kept] for name in made})


def _prepare(target: Path, key: str) -> Path | None:
    """The checkpoint to go on from, or None; a checkpoint of another key is removed."""
    started = target / "started.json"
    same = started.is_file() and json.loads(started.read_text("utf-8"))["key"] == key
    if not same:
        shutil.rmtree(target, ignore_errors=True)
        write_json(started, {"key": key})
    whole = [path for path in target.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    return max(whole, key=lambda path: int(path.name.removeprefix("checkpoint-")), default=None)


def _keep(trainer, tokenizer, target: Path) -> None:
    """`final_model` alone: whole or not at all, and the checkpoints behind it removed."""
    part = target / f".{FINAL}.part"
    trainer.save_model(str(part))
    tokenizer.save_pretrained(part)
    shutil.rmtree(target / FINAL, ignore_errors=True)
    part.rename(target / FINAL)
    for path in target.glob("checkpoint-*"):
        shutil.rmtree(path)
    (target / "started.json").unlink()
