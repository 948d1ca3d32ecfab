"""The hidden tests of Lab 4 ask for what the docstrings say, no more: oracles, other seeds, other solutions.

That the solutions pass, that each stub fails its own tests and that each mutant is caught is what
`grading verify` proves (grading/verify.py); here is what it leaves out.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest

import labkit.testing
from grading.hidden import lab4_llama as llama
from grading.hidden import lab4_oracles as oracle
from grading.hidden import lab4_records as truth
from grading.hidden.lab4_cases import collated
from grading.stage import replace_function, stage
from grading.variants import Variant, run_variants, warm
from labkit import fixtures, stats
from labkit.course import load_course

SECOND = Path(__file__).with_name("lab4_second_solution.py")


@pytest.fixture(scope="module")
def lab4():
    warm()
    return load_course().lab("lab4")


def failures(lab4, variant: Variant) -> list[str]:
    """Hidden tests of the TODOs that fail on a variant, with their messages."""
    [outcomes] = run_variants([variant], lab4).values()
    hidden = [outcome for outcome in outcomes if outcome.kind == "hidden"]
    assert {outcome.id for outcome in hidden} == {todo.id for todo in lab4.todos}
    return [f"{outcome.test}: {outcome.message}" for outcome in hidden if not outcome.passed]


# ---- a right solution never fails ----


@pytest.mark.parametrize("salt", range(3))
def test_the_solutions_pass_whatever_the_seed(lab4, monkeypatch, salt):
    seed_from = labkit.testing.seed_from
    monkeypatch.setattr(labkit.testing, "seed_from", lambda test_id: seed_from(f"{salt}/{test_id}"))
    todos = tuple(todo.id for todo in lab4.todos)
    assert failures(lab4, Variant("solutions", "solutions", only=todos)) == []


def test_a_second_solution_by_other_means_passes(lab4):
    text = SECOND.read_text(encoding="utf-8")
    functions = {
        node.name: ast.get_source_segment(text, node)
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }
    assert functions.keys() == {todo.function for todo in lab4.todos}
    with stage("solutions", ["lab4"]) as tree:
        folder = tree / "starter" / lab4.package
        for todo in lab4.todos:
            module = folder / todo.file
            source = module.read_text(encoding="utf-8")
            module.write_text(replace_function(source, todo.function, functions[todo.function]), "utf-8")
        assert failures(lab4, Variant("second", folder, only=tuple(todo.id for todo in lab4.todos))) == []


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


@pytest.mark.parametrize("seed", range(12))
def test_no_likely_mistake_hits_a_value(seed):
    records = truth.make_records(np.random.default_rng(seed))
    assert json.loads(json.dumps(records)) == records
    assert len(records) == truth.ITEMS and all(record["gold"] is not None for record in records)
    for value, mistakes in (
        (truth.tie_share, truth.tie_mistakes),
        (truth.repaired_accuracy, truth.repair_mistakes),
        (truth.oracle_gap, truth.gap_mistakes),
    ):
        right = value(records)
        assert 0 < right < 1
        assert all(abs(wrong - right) > 6e-4 for wrong in mistakes(records).values())
    low, high = truth.interval(records)
    assert all(abs(a - low) + abs(b - high) > 1.2e-3 for a, b in truth.interval_mistakes(records).values())
    assert truth.n_needed(records) not in truth.needed_mistakes(records).values()


def test_the_values_statistics_are_those_of_labkit():
    for k, n in ((0, 60), (31, 60), (60, 60), (17, 100)):
        assert truth.wilson(k, n) == pytest.approx(stats.wilson(k, n), abs=1e-9)
    for discordance, difference in ((0.3, 0.1), (0.12, 0.07), (0.25, 0.25)):
        theirs = stats.n_for_mcnemar(difference, discordance)
        assert truth.mcnemar_items(discordance, difference) == theirs
