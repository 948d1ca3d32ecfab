"""The hidden tests of Lab 3 ask for what the docstrings say, no more: oracles, other seeds, other solutions.

That the solutions pass, that each stub fails its own tests and that each mutant is caught is what
`grading verify` proves (grading/verify.py); that right solutions pass and no likely mistake hits a value,
test_hidden.py. TRL and captum: test_oracles_lab3.py.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.hidden import lab3_oracles as oracle
from grading.hidden import lab3_records as truth
from labkit import stats
from solutions.lab3_dpo import method

GAPS = st.lists(st.floats(-30, 30), min_size=1, max_size=8)


# ---- the losses have the properties that the texts claim ----


def of_gaps(function, gaps: list[float], beta: float) -> float:
    zeros = torch.zeros(len(gaps), dtype=torch.float64)
    return float(function(torch.tensor(gaps, dtype=torch.float64), zeros, zeros, zeros, beta))


@given(gaps=GAPS, beta=st.floats(0.01, 3), shift=st.floats(-20, 20))
@settings(max_examples=60, deadline=None)
def test_the_centred_loss_has_a_floor_and_no_sense_of_level(gaps, beta, shift):
    loss = of_gaps(method.centred_loss, gaps, beta)
    assert loss >= oracle.LOG2 - 1e-12
    assert of_gaps(method.centred_loss, [gap + shift for gap in gaps], beta) == pytest.approx(loss, abs=1e-9)


def test_detaching_the_mean_lets_the_margin_grow_without_a_bound():
    """Descent from the same gaps: DPO slows down, the detached variant doesn't, the centred one stays."""

    def descend(loss_of) -> float:
        gaps = torch.tensor([0.5, -1.0, 2.0, 0.3], dtype=torch.float64, requires_grad=True)
        for _ in range(200):
            [slope] = torch.autograd.grad(loss_of(gaps), gaps)
            gaps = (gaps - 10 * slope).detach().requires_grad_(True)
        return float(gaps.detach().mean())

    zeros = torch.zeros(4, dtype=torch.float64)
    centred = descend(lambda g: method.centred_loss(g, zeros, zeros, zeros, 0.1))
    plain = descend(lambda g: method.dpo_loss(g, zeros, zeros, zeros, 0.1))
    detached = descend(lambda g: method.dpo_loss(g - g.mean().detach(), zeros, zeros, zeros, 0.1))
    assert centred == pytest.approx(0.45, abs=1e-9)
    assert detached > plain > centred + 1


@given(losses=st.lists(st.floats(0, 60), min_size=1, max_size=8), beta_prime=st.floats(0.2, 50))
@settings(max_examples=60, deadline=None)
def test_dr_dpo_lies_between_the_smallest_loss_and_the_mean(losses, beta_prime):
    given_losses = torch.tensor(losses, dtype=torch.float64)
    found = float(method.dr_dpo_loss(given_losses, beta_prime))
    assert min(losses) - 1e-9 <= found <= float(given_losses.mean()) + 1e-9
    assert found == pytest.approx(oracle.dr_dpo(losses, beta_prime), abs=1e-9)


def test_the_published_example_of_dr_dpo():
    losses = [0.1, 0.3, 0.7, 1.5, 3.0]
    assert oracle.dr_dpo(losses, 1.0) == pytest.approx(0.728, abs=5e-4)
    assert oracle.dr_weights(losses, 1.0) == pytest.approx([0.375, 0.307, 0.206, 0.092, 0.021], abs=1e-3)


def test_accumulated_batches_of_one_make_dr_dpo_plain():
    losses = torch.tensor([0.1, 3.0], dtype=torch.float64)
    apart = (method.dr_dpo_loss(losses[:1]) + method.dr_dpo_loss(losses[1:])) / 2
    assert float(apart) == pytest.approx(1.55) and float(method.dr_dpo_loss(losses)) < 1


def test_the_oracles_agree_with_torch():
    rng = np.random.default_rng(2)
    four = oracle.pairs(rng, 7)
    tensors = [torch.tensor(side, dtype=torch.float64) for side in four]
    gap = (tensors[0] - tensors[2]) - (tensors[1] - tensors[3])
    assert oracle.dpo(four, 0.3) == pytest.approx(float(-torch.nn.functional.logsigmoid(0.3 * gap).mean()))
    logits, ids, mask = oracle.completion(rng)
    picked = torch.tensor(logits).log_softmax(-1)[:, :-1].gather(-1, torch.tensor(ids)[:, 1:, None])[..., 0]
    assert oracle.logps(logits, ids, mask) == pytest.approx(
        (picked * torch.tensor(mask)[:, 1:]).sum(-1).tolist()
    )


def test_the_real_example_of_displacement_reads_as_the_lab_says():
    """A public model card ends with rewards -2.09 and -3.12, margin 1.03: both fell, the gap is positive."""
    beta = 0.01
    four = [[-209.0], [-312.0], [0.0], [0.0]]
    found = method.implicit_rewards(*(torch.tensor(side) for side in four), beta)
    assert float(found["chosen"]) < 0 and float(found["margin"]) == pytest.approx(1.03, abs=1e-4)


# ---- the notebook's values ----


def test_the_values_statistics_are_those_of_labkit():
    for k, n in ((0, 60), (31, 60), (60, 60)):
        assert truth.wilson(k, n) == pytest.approx(stats.wilson(k, n), abs=1e-9)
