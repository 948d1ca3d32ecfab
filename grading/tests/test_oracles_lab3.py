"""Lab 3's solutions against TRL 1.16 and captum on real batches, and the reference trap on real adapters."""

from __future__ import annotations

import math

import pytest
import torch
from captum.attr import IntegratedGradients
from datasets import Dataset
from trl import DPOConfig, DPOTrainer

from labkit import fixtures
from solutions.lab3_dpo.batches import collate, encode_pairs, messages_of
from solutions.lab3_dpo.evaluate import integrated_gradients, lift
from solutions.lab3_dpo.method import (
    cal_dpo_loss,
    completion_logps,
    dpo_loss,
    implicit_rewards,
    reference_logps,
)
from solutions.lab3_dpo.training import Start, freeze_copy

PAIRS = [
    {"qid": "a", "prompt": "Ava has 12 apples?", "chosen": "12 apples.", "rejected": "3 pens\nAnswer: No"},
    {"qid": "b", "prompt": "24 pens?", "chosen": "The answer is 17.", "rejected": "7"},
    {
        "qid": "c",
        "prompt": "Question: 4 * 25?\nStudent draft: 100",
        "chosen": "Answer: Yes",
        "rejected": "Answer: No",
    },
]


def trainer_of(model, tokenizer, folder, beta: float) -> DPOTrainer:
    arguments = DPOConfig(
        output_dir=str(folder),
        beta=beta,
        report_to="none",
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
        gradient_checkpointing=False,
    )
    data = Dataset.from_list([messages_of(pair) for pair in PAIRS])
    return DPOTrainer(model=model, args=arguments, train_dataset=data, processing_class=tokenizer)


def moved(model, size: float = 0.3):
    """The active adapter, a step away from where it was."""
    for name, weight in model.named_parameters():
        if ".default." in name:
            weight.data += size * torch.sin(torch.arange(weight.numel()).float()).reshape(weight.shape)
    return model


@pytest.fixture(params=[0.1, 0.5])
def trained(request, tmp_path):
    """TRL's trainer on a continued adapter that has moved, its batch, and beta."""
    trainer = trainer_of(
        fixtures.make("tiny_adapter_model", 3), fixtures.make("tiny_tokenizer"), tmp_path, request.param
    )
    assert "ref" in trainer.model.peft_config  # TRL 1.16 copies a continued adapter
    moved(trainer.model)
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(PAIRS))])
    return trainer, dict(batch), request.param


def four_of(model, batch: dict) -> tuple[torch.Tensor, ...]:
    now, ref = (reference_logps(model, batch, mode, completion_logps).chunk(2) for mode in ("self", "ref"))
    return (*now, *ref)


def trl_loss(trainer: DPOTrainer, batch: dict, loss_type: str) -> float:
    trainer.loss_types = [loss_type]
    with torch.no_grad():
        return float(trainer.compute_loss(trainer.model, dict(batch)))


def test_our_batches_are_trls(trained):
    _, batch, _ = trained
    tokenizer = fixtures.make("tiny_tokenizer")
    ours = collate(encode_pairs(PAIRS, tokenizer, 1024), tokenizer.pad_token_id)
    for name, values in ours.items():
        assert torch.equal(values, batch[name]), name


def test_our_loss_and_log_probabilities_are_trls(trained):
    trainer, batch, beta = trained
    four = four_of(trainer.model, batch)
    theirs = trl_loss(trainer, batch, "sigmoid")
    assert abs(float(dpo_loss(*four, beta)) - theirs) < 1e-5
    assert abs(theirs - math.log(2)) > 1e-3  # the batch tells something
    [logged] = [found for found in trainer._metrics.values() if found]
    rewards = implicit_rewards(*four, beta)
    for name, ours in (
        ("logps/chosen", four[0]),
        ("logps/rejected", four[1]),
        ("rewards/chosen", rewards["chosen"]),
        ("rewards/margins", rewards["margin"]),
        ("rewards/accuracies", rewards["accuracy"]),
    ):
        assert logged[name][-1] == pytest.approx(float(ours.mean()), abs=1e-4), name


def test_the_calibration_term_is_sppo_hard(trained):
    trainer, batch, beta = trained
    four = [side.double() for side in four_of(trainer.model, batch)]
    calibration = float(cal_dpo_loss(*four, beta) - dpo_loss(*four, 1.0))
    assert calibration == pytest.approx(trl_loss(trainer, batch, "sppo_hard"), rel=1e-5)


def test_gradients_are_trls(trained):
    trainer, batch, beta = trained
    weights = {n: w for n, w in trainer.model.named_parameters() if w.requires_grad}
    trainer.loss_types = ["sigmoid"]
    theirs = torch.autograd.grad(trainer.compute_loss(trainer.model, dict(batch)), list(weights.values()))
    output = trainer.model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    now = completion_logps(output.logits, batch["input_ids"], batch["completion_mask"]).chunk(2)
    ref = reference_logps(trainer.model, batch, "ref", completion_logps).chunk(2)
    ours = torch.autograd.grad(dpo_loss(*now, *ref, beta), list(weights.values()))
    for name, a, b in zip(weights, ours, theirs, strict=True):
        assert torch.allclose(a, b, atol=1e-6), name


def test_adapters_disabled_is_the_reference_of_a_new_adapter_only():
    tokenizer = fixtures.make("tiny_tokenizer")
    batch = collate(encode_pairs(PAIRS, tokenizer, 200), tokenizer.pad_token_id)

    def first_loss(model, mode: str) -> float:
        now, ref = (reference_logps(model, batch, m, completion_logps).chunk(2) for m in ("self", mode))
        return float(dpo_loss(*now, *ref, 0.1))

    new = fixtures.make("tiny_adapter_model", 4)
    for name, weight in new.named_parameters():
        if "lora_B" in name:
            weight.data.zero_()  # as PEFT makes them
    assert first_loss(new, "disabled") == pytest.approx(math.log(2), abs=1e-6)
    continued = fixtures.make("tiny_adapter_model", 4)
    freeze_copy(continued)
    assert first_loss(continued, "ref") == pytest.approx(math.log(2), abs=1e-6)
    assert abs(first_loss(continued, "disabled") - math.log(2)) > 1e-3
    wanting = [name for name, weight in continued.named_parameters() if weight.requires_grad]
    assert wanting and not any(".ref." in name for name in wanting)
    assert isinstance(Start(continued, tokenizer, "ref"), Start)


def test_integrated_gradients_are_captums():
    torch.manual_seed(0)
    weights, x, baseline = torch.randn(6, 4), torch.randn(6, 4), torch.randn(6, 4)

    def smooth(inputs: torch.Tensor) -> torch.Tensor:
        return torch.tanh((inputs * weights).sum((-2, -1))) + (inputs**3).mean((-2, -1))

    for steps in (5, 64):
        theirs = IntegratedGradients(smooth).attribute(
            x[None], baseline[None], n_steps=steps, method="riemann_middle"
        )
        ours = integrated_gradients(lambda z: smooth(z[None])[0], x, baseline, steps)
        assert torch.allclose(ours, theirs[0].float(), atol=1e-5)
    missed = abs(float(ours.sum() - (smooth(x[None]) - smooth(baseline[None]))[0]))
    assert missed < 0.01 * abs(float((smooth(x[None]) - smooth(baseline[None]))[0]))
    assert lift(torch.ones(11, 4), [False] * 3 + [True] * 8) == pytest.approx(1.0)
