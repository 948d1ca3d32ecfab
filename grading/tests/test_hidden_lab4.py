"""The oracles of Lab 4's hidden tests are right, and nothing but the answer counts.

What is asked of the hidden tests of every lab stands in test_hidden.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from grading.hidden import lab4_llama as llama
from grading.hidden import lab4_oracles as oracle
from grading.hidden import lab4_records as truth
from grading.hidden.lab4_cases import collated
from labkit import fixtures, stats

# ---- nothing but the answer counts ----


def test_a_stand_in_has_no_telling_name():
    made = [fixtures.make(name) for name in fixtures.names() if name.startswith(("vote:", "score:"))]
    told = {(f.__name__, f.__qualname__, f.__code__.co_name, f.__code__.co_firstlineno) for f in made}
    assert len(made) > 5 and len(told) == 1


@pytest.mark.parametrize(
    "claim",
    [
        np.zeros(1_000_000, np.half),
        np.zeros((2, 3), np.half),
        np.zeros((2, 200_000), int),
        np.zeros((3, 4), int),
    ],
)
def test_a_claimed_batch_is_looked_at_before_it_becomes_lists(claim):
    class Claims:
        def make(self, name, trainer, indices):
            return {"input_ids": claim}

    with pytest.raises(AssertionError, match="whole numbers"):
        collated(Claims(), "trainer", [0, 1])


# ---- the oracles are right ----


@pytest.mark.parametrize("reward", [False, True])
def test_the_numpy_llama_is_transformers_llama(reward):
    import torch

    rng = np.random.default_rng(5)
    weights = llama.random_llama(rng, reward=reward)
    ids = llama.token_ids(llama.chat("Ava has 12 apples. How many are left?", "12 - 5 = 7\n#### 7"))
    with torch.inference_mode():
        theirs = fixtures.make("llama", llama.tokenizer(), weights)(torch.tensor([ids])).logits.numpy()
    ours = llama.logits(weights, ids)
    np.testing.assert_allclose(ours[-1] if reward else ours, theirs[0], atol=2e-4)


def test_the_oracles_give_the_published_numbers():
    passes = [oracle.pass_by_counting(8, 2, k) for k in (1, 2, 4, 8)]
    assert passes == pytest.approx([0.25, 0.4643, 0.7857, 1.0], abs=1e-4)
    assert passes == pytest.approx([oracle.pass_exactly(8, 2, k) for k in (1, 2, 4, 8)])
    bounds = [oracle.kl_by_integration(n) for n in (2, 4, 8, 16, 64)]
    assert bounds == pytest.approx([0.193, 0.636, 1.204, 1.835, 3.175], abs=6e-4)
    assert [truth.mcnemar_items(share, 0.03) for share in (0.1, 0.2, 0.3)] == [870, 1742, 2614]


def test_the_oracles_agree_with_each_other():
    rng = np.random.default_rng(11)
    for _ in range(20):
        right = [bool(flag) for flag in rng.random(7) < 0.5]
        for n in (1, 3, 7):
            share = oracle.share_of_subsets(right, [float(flag) for flag in right], n)
            assert float(share) == pytest.approx(oracle.pass_exactly(7, sum(right), n))
        answers, rewards = oracle.random_answers(rng, 7, 3), oracle.rewards_of(rng, 7)
        voters = [(r, a) for a, r in zip(answers, rewards, strict=True) if a is not None]
        assert oracle.weighted_winner(answers, rewards, 1e-4) == (max(voters)[1] if voters else None)
        flat = oracle.weighted_totals(answers, [0.0] * 7, 1.0)
        assert {name: int(total) for name, total in flat.items()} == oracle.tally(answers)


# ---- the notebook's values ----


def test_the_values_statistics_are_those_of_labkit():
    for k, n in ((0, 60), (31, 60), (60, 60), (17, 100)):
        assert truth.wilson(k, n) == pytest.approx(stats.wilson(k, n), abs=1e-9)
    for discordance, difference in ((0.3, 0.1), (0.12, 0.07), (0.25, 0.25)):
        theirs = stats.n_for_mcnemar(difference, discordance)
        assert truth.mcnemar_items(discordance, difference) == theirs
