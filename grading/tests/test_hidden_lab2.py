"""The hidden tests of Lab 2 ask for what the docstrings say, no more: oracles, other seeds, other solutions.

That the solutions pass, that each stub fails its own tests and that each mutant is caught is what
`grading verify` proves (grading/verify.py); here is what it leaves out.
"""

from __future__ import annotations

import ast
import json
import math
from pathlib import Path

import numpy as np
import pytest

import labkit.testing
from grading.hidden import lab2_oracles as oracle
from grading.hidden import lab2_records as truth
from grading.stage import replace_function, stage
from grading.variants import Variant, run_variants, warm
from labkit import stats
from labkit.course import load_course

SECOND = Path(__file__).with_name("lab2_second_solution.py")


@pytest.fixture(scope="module")
def lab2():
    warm()
    return load_course().lab("lab2")


def failures(lab2, variant: Variant) -> list[str]:
    """Hidden tests of the TODOs that fail on a variant, with their messages."""
    [outcomes] = run_variants([variant], lab2).values()
    hidden = [outcome for outcome in outcomes if outcome.kind == "hidden"]
    assert {outcome.id for outcome in hidden} == {todo.id for todo in lab2.todos}
    return [f"{outcome.test}: {outcome.message}" for outcome in hidden if not outcome.passed]


# ---- a right solution never fails ----


@pytest.mark.parametrize("salt", range(3))
def test_the_solutions_pass_whatever_the_seed(lab2, monkeypatch, salt):
    seed_from = labkit.testing.seed_from
    monkeypatch.setattr(labkit.testing, "seed_from", lambda test_id: seed_from(f"{salt}/{test_id}"))
    todos = tuple(todo.id for todo in lab2.todos)
    assert failures(lab2, Variant("solutions", "solutions", only=todos)) == []


def test_a_second_solution_by_other_means_passes(lab2):
    text = SECOND.read_text(encoding="utf-8")
    functions = {
        node.name: ast.get_source_segment(text, node)
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }
    assert functions.keys() == {todo.function for todo in lab2.todos}
    with stage("solutions", ["lab2"]) as tree:
        folder = tree / "starter" / lab2.package
        for todo in lab2.todos:
            module = folder / todo.file
            source = module.read_text(encoding="utf-8")
            module.write_text(replace_function(source, todo.function, functions[todo.function]), "utf-8")
        assert failures(lab2, Variant("second", folder, only=tuple(todo.id for todo in lab2.todos))) == []


# ---- the oracles are right ----


def test_the_scores_are_those_of_the_libraries():
    from sklearn.metrics import balanced_accuracy_score, matthews_corrcoef, recall_score

    rng = np.random.default_rng(3)
    for size in (12, 80):
        gold, said = oracle.flags(rng, size, 0.4), oracle.flags(rng, size)
        found = oracle.scores(said, gold)
        assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(gold, said))
        assert found["mcc"] == pytest.approx(matthews_corrcoef(gold, said))
        assert found["recall_yes"] == pytest.approx(recall_score(gold, said))


def test_p_value_and_interval_are_those_of_the_libraries():
    from scipy.stats import binomtest

    for b, c in ((1, 9), (9, 1), (4, 4), (0, 6), (37, 21)):
        assert oracle.coin_p(b, c) == pytest.approx(binomtest(b, b + c, 0.5).pvalue)
    for k, n in ((354, 687), (6, 10), (0, 10), (10, 10)):
        assert oracle.wilson(k, n) == pytest.approx(stats.wilson(k, n), abs=1e-6)


def test_the_oracles_give_the_published_numbers():
    kept = oracle.prior_kept(91 / 200, 39 / 91, 98 / 109)
    assert kept == pytest.approx(39 / 137)
    assert oracle.log_odds(kept) - oracle.log_odds(91 / 200) == pytest.approx(-0.741, abs=5e-4)
    weights = oracle.weights([True] * 39 + [False] * 98, 91 / 200)
    assert (round(weights[0], 2), round(weights[-1], 2)) == (1.60, 0.76)
    assert oracle.log_odds(0.5) == pytest.approx(0.0, abs=1e-12)


# ---- the notebook's values ----


@pytest.mark.parametrize("seed", range(8))
def test_no_likely_mistake_hits_a_value(seed):
    records = truth.make_records(np.random.default_rng(seed))
    assert json.loads(json.dumps(records)) == records
    assert len(records) == truth.ITEMS
    for value, mistakes in (
        (truth.kept_yes, truth.kept_mistakes),
        (truth.shift, truth.shift_mistakes),
        (truth.free_points, truth.free_mistakes),
        (truth.p_value, truth.p_mistakes),
    ):
        right = value(records)
        assert math.isfinite(right)
        assert all(abs(wrong - right) > 6e-4 for wrong in mistakes(records).values())
    low, high = truth.interval(records)
    assert all(abs(a - low) + abs(b - high) > 1.2e-3 for a, b in truth.interval_mistakes(records).values())


def test_the_readers_of_the_records_are_those_of_the_solutions():
    from solutions.lab2_distillation.data import parse_teacher
    from solutions.lab2_distillation.evaluate import parse_prediction

    for seed in range(5):
        for record in truth.make_records(np.random.default_rng(100 + seed)):
            assert truth.teacher_said(record) is parse_teacher(record["teacher"])
            for arm, text in record["replies"].items():
                assert truth.said(record, arm) is parse_prediction(text), text
