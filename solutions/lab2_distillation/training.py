"""Lab 2 training: one arm of the ablation, QLoRA through TRL's SFTTrainer.

    rows = training_rows(arm, data, config.seed)                 # messages, answer and weight of each example
    found = train_arm(config, "prior", device, rows, validation, Path("models/cot_phaseB"), None)

The base is NF4 with double quantization, on the CPU too. Texts, masks, weights, upsampling and the coverage
report are the student's (2.4, 2.5, 2.8, 2.9, 2.11). `steps: published` is 3 epochs of 2 x 16 rows a step;
`enough` is smaller steps and more of them, until the validation loss stops falling. Source: Dettmers et al.
2023 (arXiv 2305.14314); TRL 1.16. Left out: what the arms are compared by (report.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labkit.data import write_json
from labkit.errors import LabError
from labkit.models import load_causal_lm, load_tokenizer

from . import published
from .config import Arm, Config
from .data import IGNORE, assistant_mask, training_text
from .method import class_weights, lora_coverage, upsample

Rows = list[dict[str, Any]]


# ---- what is learned ----


def training_rows(arm: Arm, kept: Rows, rationalised: Rows, prior: float, seed: int) -> Rows:
    """`{"messages", "weight"}` an example: the kept records, repaired as the arm's `prior` says.

    Args:
        kept: records of train_cot.jsonl. rationalised: records that 2.10 made of the lost ones.
        prior: the share of yes before the filter, which the weights restore.
    """
    records = [*kept, *rationalised] if arm.prior == "rationalise" else list(kept)
    if arm.prior == "upsample":
        records = upsample(records, seed)
    labels = [record["answer"] for record in records]
    weights = class_weights(labels, prior) if arm.prior == "weights" else [1.0] * len(records)
    return [
        {"messages": messages_of(arm, record), "weight": weight}
        for record, weight in zip(records, weights, strict=True)
    ]


def messages_of(arm: Arm, record: dict) -> list[dict[str, str]]:
    """One example as messages, as published or as repaired."""
    if arm.target == "answer_from_reasoning":
        return published.published_messages(record)
    return training_text(record, arm.target)


def encoded(arm: Arm, rows: Rows, tokenizer, max_length: int):
    """The rows as a data set of ids, labels and weights; rows with nothing to learn are dropped.

    Raises LabError: no row is left.
    """
    import datasets

    made = []
    for row in rows:
        if arm.mask == "assistant":
            one = assistant_mask(row["messages"], tokenizer, max_length)
            ids, labels = one["input_ids"], one["labels"]
        else:
            ids = tokenizer.apply_chat_template(row["messages"], tokenize=True, return_dict=True)["input_ids"]
            ids = ids[:max_length]
            labels = published.published_labels(ids, tokenizer.eos_token_id)
        if set(labels) - {IGNORE}:
            made.append({"input_ids": ids, "labels": labels, "weight": row["weight"]})
    if not made:
        found = f"none: every prompt alone fills {max_length} tokens"
        raise LabError("rows with something to learn", found, command="--max_length N, larger")
    return datasets.Dataset.from_list(made)


# ---- the model ----


def linear_shapes(model) -> dict[str, tuple[int, int]]:
    """Full name of every linear layer but the output layer -> (out, in); 4-bit layers count like others."""
    import torch

    output = model.get_output_embeddings()
    return {
        name: (module.out_features, module.in_features)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not output
    }


def targets_of(arm: Arm, shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """The names handed to LoRA: the published list, or every kind of linear layer that there is."""
    if arm.targets == "published_list":
        return list(published.PUBLISHED_TARGETS)
    return sorted({name.rpartition(".")[2] for name in shapes})


def load_base(config: Config, device):
    """(model, tokenizer), untuned; in 4 bits if the configuration says so."""
    quantize = "nf4" if config.quantize else None
    model = load_causal_lm(
        config.model, device=device, quantize=quantize, shrink=config.shrink, seed=config.seed
    )
    return model, load_tokenizer(config.model, shrink=config.shrink)


def load_tuned(config: Config, adapter: Path, device, trainable: bool = False):
    """(model, tokenizer) with the adapter of a trained arm on the base."""
    from peft import PeftModel

    model, tokenizer = load_base(config, device)
    return PeftModel.from_pretrained(model, str(adapter), is_trainable=trainable), tokenizer


# ---- training ----


def train_arm(
    config: Config, arm: Arm, device, rows: Rows, validation: Rows, target: Path, start: Path | None
) -> dict:
    """Trains an arm into the adapter folder `target`; what was learned, from how much, and how it went.

    start: the adapter of the baseline, for arms that go on from it.
    """
    import peft
    import transformers

    transformers.set_seed(config.seed)
    model, tokenizer = load_base(config, device)
    shapes = linear_shapes(model)
    targets = targets_of(arm, shapes)
    settings = peft.LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    if start is None:
        model = peft.get_peft_model(model, settings)
    else:
        model = peft.PeftModel.from_pretrained(model, str(start), is_trainable=True)
    data = encoded(arm, rows, tokenizer, config.max_length)
    held_out = encoded(arm, validation, tokenizer, config.max_length)
    trainer = make_trainer(config, arm, model, tokenizer, data, held_out, target, device)
    done = trainer.train()
    coverage = lora_coverage(shapes, targets, config.lora_r)
    found = {
        "rows": len(data),
        "optimiser_steps": trainer.state.global_step,
        "training_loss": float(done.training_loss),
        "validation_loss": [e["eval_loss"] for e in trainer.state.log_history if "eval_loss" in e],
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "coverage": coverage,
    }
    _keep(trainer, target)
    write_json(target / "training.json", found)
    return found


def make_trainer(config: Config, arm: Arm, model, tokenizer, data, held_out, target: Path, device):
    """TRL's SFTTrainer for one arm; with weights other than 1 its loss is weighted by example."""
    import transformers
    import trl

    enough = arm.steps == "enough"
    batch = config.enough_batch_size if enough else published.PUBLISHED_BATCH
    epochs = config.enough_epochs if enough else published.PUBLISHED_EPOCHS
    steps = math.ceil(len(data) / batch) * epochs
    arguments = trl.SFTConfig(
        output_dir=str(target / "checkpoints"),
        learning_rate=config.enough_learning_rate if enough else config.learning_rate,
        num_train_epochs=epochs,
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=config.enough_batch_size,
        gradient_accumulation_steps=1 if enough else published.PUBLISHED_ACCUMULATION,
        warmup_steps=math.ceil(config.warmup_share * steps) if enough else published.PUBLISHED_WARMUP,
        lr_scheduler_type="cosine" if enough else "linear",
        bf16=device.type == "cuda",
        gradient_checkpointing=config.gradient_checkpointing,
        max_length=None,  # cut by 2.5 already
        eval_strategy="epoch",
        save_strategy="epoch" if enough else "no",
        save_total_limit=1,
        load_best_model_at_end=enough,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        logging_steps=20,
        report_to=config.tracker,
        run_name=f"lab2_{config.profile}_seed{config.seed}_{target.name}",
        seed=config.seed,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type == "cuda",
    )
    weighted = any(weight != 1.0 for weight in data["weight"])
    kind = weighted_trainer() if weighted else trl.SFTTrainer
    trainer = kind(
        model=model,
        args=arguments,
        train_dataset=data if weighted else data.remove_columns("weight"),
        eval_dataset=held_out if weighted else held_out.remove_columns("weight"),
        processing_class=tokenizer,
        callbacks=[transformers.EarlyStoppingCallback(config.patience)] if enough else None,
    )
    # TRL 1.16 turns the adapters of a 4-bit model into bfloat16, where a small step is rounded away.
    for weight in trainer.model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
    return trainer


def weighted_trainer() -> type:
    """TRL's trainer with a column `weight`: each example's token losses are multiplied by it."""
    import torch
    import trl

    class WeightedTrainer(trl.SFTTrainer):
        def __init__(self, **settings):
            super().__init__(**settings)
            collate = self.data_collator

            def with_weights(examples):
                weights = [example.pop("weight") for example in (dict(e) for e in examples)]
                return {**collate(examples), "weight": torch.tensor(weights)}

            self.data_collator = with_weights

        def _set_signature_columns_if_needed(self):
            super()._set_signature_columns_if_needed()
            self._signature_columns = [*dict.fromkeys([*self._signature_columns, "weight"])]

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            weights, labels = inputs.pop("weight"), inputs.pop("labels")
            outputs = model(**inputs)
            scores, wanted = outputs.logits[:, :-1].float(), labels[:, 1:]  # (batch, seq - 1, vocab)
            losses = torch.nn.functional.cross_entropy(
                scores.transpose(1, 2), wanted, ignore_index=IGNORE, reduction="none"
            )
            count = (wanted != IGNORE).sum() if num_items_in_batch is None else num_items_in_batch
            loss = (losses * weights[:, None]).sum() / count
            return (loss, outputs) if return_outputs else loss

    return WeightedTrainer


def _keep(trainer, target: Path) -> None:
    """The adapter alone, in `target`; the checkpoints behind it removed."""
    import shutil

    trainer.model.save_pretrained(str(target))
    shutil.rmtree(target / "checkpoints", ignore_errors=True)
