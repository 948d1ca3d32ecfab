"""The hidden tests of Lab 1 ask for what the docstrings say, no more: oracles, other seeds, other solutions.

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
from grading.hidden import lab1_oracles as oracle
from grading.hidden import lab1_records as truth
from grading.stage import replace_function, stage
from grading.variants import Variant, run_variants, warm
from labkit import stats
from labkit.course import load_course

SECOND = Path(__file__).with_name("lab1_second_solution.py")


@pytest.fixture(scope="module")
def lab1():
    warm()
    return load_course().lab("lab1")


def failures(lab1, variant: Variant) -> list[str]:
    """Hidden tests of the TODOs that fail on a variant, with their messages."""
    [outcomes] = run_variants([variant], lab1).values()
    hidden = [outcome for outcome in outcomes if outcome.kind == "hidden"]
    assert {outcome.id for outcome in hidden} == {todo.id for todo in lab1.todos}
    return [f"{outcome.test}: {outcome.message}" for outcome in hidden if not outcome.passed]


# ---- a right solution never fails ----


@pytest.mark.parametrize("salt", range(3))
def test_the_solutions_pass_whatever_the_seed(lab1, monkeypatch, salt):
    seed_from = labkit.testing.seed_from
    monkeypatch.setattr(labkit.testing, "seed_from", lambda test_id: seed_from(f"{salt}/{test_id}"))
    todos = tuple(todo.id for todo in lab1.todos)
    assert failures(lab1, Variant("solutions", "solutions", only=todos)) == []


def test_a_second_solution_by_other_means_passes(lab1):
    text = SECOND.read_text(encoding="utf-8")
    functions = {
        node.name: ast.get_source_segment(text, node)
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }
    assert functions.keys() == {todo.function for todo in lab1.todos}
    with stage("solutions", ["lab1"]) as tree:
        folder = tree / "starter" / lab1.package
        for todo in lab1.todos:
            module = folder / todo.file
            source = module.read_text(encoding="utf-8")
            module.write_text(replace_function(source, todo.function, functions[todo.function]), "utf-8")
        assert failures(lab1, Variant("second", folder, only=tuple(todo.id for todo in lab1.todos))) == []


# ---- the oracles are right ----


def test_the_kappas_are_those_of_the_libraries():
    from sklearn.metrics import cohen_kappa_score, matthews_corrcoef
    from statsmodels.stats.inter_rater import aggregate_raters
    from statsmodels.stats.inter_rater import fleiss_kappa as library_fleiss

    rng = np.random.default_rng(3)
    for classes in (2, 3, 5):
        a, b = oracle.two_raters(rng, 60, classes, 0.6)
        assert oracle.cohen(a, b) == pytest.approx(cohen_kappa_score(a, b))
        rows = oracle.many_raters(rng, 30, 4, classes, 0.6)
        names = list(oracle.shares_of(rows))
        counts, _ = aggregate_raters(np.array([[names.index(x) for x in row] for row in rows]))
        assert oracle.fleiss(rows) == pytest.approx(library_fleiss(counts))
        wrong = [[x == names[0] for x in row] for row in zip(*rows, strict=True)][:2]
        assert oracle.phi(*wrong) == pytest.approx(matthews_corrcoef(*wrong))


def test_the_oracles_give_the_published_numbers():
    assert oracle.cohen(["p"] * 25 + ["q"] * 25, ["p"] * 20 + ["q"] * 5 + ["p"] * 10 + ["q"] * 15) == 0.4
    assert oracle.independent(0.5, 0.5, 2) == 0.5
    # 125 items, nearly all of one class, 7 differ: P .944; by chance .9453 (Cohen) or 2 · .972 · .028 (AC1)
    rows = [["+", "+"]] * 118 + [["+", "-"]] * 5 + [["-", "+"]] * 2
    assert oracle.cohen(*map(list, zip(*rows, strict=True))) == pytest.approx(-0.0234, abs=1e-4)
    assert oracle.ac1(rows) == pytest.approx(0.9408, abs=1e-4)


def test_the_real_numbers_of_judges_come_out_of_the_same_formulas():
    """A public judge file has raw agreement .756 and kappa .081: that needs one class that rules."""
    agree, kappa = 0.756, 0.081
    expected = (agree - kappa) / (1 - kappa)
    assert expected == pytest.approx(0.7345, abs=1e-4)
    one = (1 + (2 * expected - 1) ** 0.5) / 2  # both raters with the same share of the common class
    assert one > 0.84


def test_risk_is_the_error_rate_at_full_coverage_and_rises_strictly():
    rng = np.random.default_rng(4)
    for _ in range(10):
        confidence = [float(x) for x in rng.integers(0, 5, size=30)]
        correct = [bool(x) for x in rng.random(30) < 0.6]
        coverage, risk = oracle.risk(confidence, correct)
        assert coverage == sorted(set(coverage)) and coverage[-1] == 1.0
        assert risk[-1] == pytest.approx(1 - np.mean(correct))
        assert len(coverage) == len(set(confidence))


# ---- the notebook's values ----


@pytest.mark.parametrize("seed", range(12))
def test_no_likely_mistake_hits_a_value(seed):
    records = truth.make_records(np.random.default_rng(seed))
    assert json.loads(json.dumps(records)) == records
    assert len(records) == truth.ITEMS
    for value, mistakes in (
        (truth.agreement_rate, truth.agreement_mistakes),
        (truth.changed_labels, truth.changed_mistakes),
        (truth.honest_gain, truth.gain_mistakes),
        (truth.error_phi, truth.phi_mistakes),
    ):
        right = value(records)
        assert -1 < right < 1
        assert all(abs(wrong - right) > 6e-4 for wrong in mistakes(records).values())
    low, high = truth.interval(records)
    assert all(abs(a - low) + abs(b - high) > 1.2e-3 for a, b in truth.interval_mistakes(records).values())


def test_the_values_statistics_are_those_of_labkit():
    for k, n in ((0, 60), (31, 60), (60, 60), (6, 10), (1, 10)):
        assert truth.wilson(k, n) == pytest.approx(stats.wilson(k, n), abs=1e-9)
    assert truth.wilson(6, 10) == pytest.approx([0.31, 0.83], abs=5e-3)
    assert truth.wilson(1, 10) == pytest.approx([0.02, 0.40], abs=5e-3)
