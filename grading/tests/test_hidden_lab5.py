"""The hidden tests of Lab 5 ask for what the docstrings say, no more: oracles, other seeds, other solutions.

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
from grading.hidden import lab5_oracles as oracle
from grading.hidden import lab5_records as truth
from grading.stage import replace_function, stage
from grading.variants import Variant, run_variants, warm
from labkit.course import load_course

SECOND = Path(__file__).with_name("lab5_second_solution.py")


@pytest.fixture(scope="module")
def lab5():
    warm()
    return load_course().lab("lab5")


def failures(lab5, variant: Variant) -> list[str]:
    """Hidden tests of the TODOs that fail on a variant, with their messages."""
    [outcomes] = run_variants([variant], lab5).values()
    hidden = [outcome for outcome in outcomes if outcome.kind == "hidden"]
    assert {outcome.id for outcome in hidden} == {todo.id for todo in lab5.todos}
    return [f"{outcome.test}: {outcome.message}" for outcome in hidden if not outcome.passed]


# ---- a right solution never fails ----


@pytest.mark.parametrize("salt", range(3))
def test_the_solutions_pass_whatever_the_seed(lab5, monkeypatch, salt):
    seed_from = labkit.testing.seed_from
    monkeypatch.setattr(labkit.testing, "seed_from", lambda test_id: seed_from(f"{salt}/{test_id}"))
    todos = tuple(todo.id for todo in lab5.todos)
    assert failures(lab5, Variant("solutions", "solutions", only=todos)) == []


def test_a_second_solution_by_other_means_passes(lab5):
    text = SECOND.read_text(encoding="utf-8")
    functions = {
        node.name: ast.get_source_segment(text, node)
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }
    assert functions.keys() == {todo.function for todo in lab5.todos}
    with stage("solutions", ["lab5"]) as tree:
        folder = tree / "starter" / lab5.package
        for todo in lab5.todos:
            module = folder / todo.file
            source = module.read_text(encoding="utf-8")
            module.write_text(replace_function(source, todo.function, functions[todo.function]), "utf-8")
        assert failures(lab5, Variant("second", folder, only=tuple(todo.id for todo in lab5.todos))) == []


# ---- the oracles are right ----


def test_auroc_brier_and_confusion_are_those_of_scikit_learn():
    from sklearn.metrics import brier_score_loss, confusion_matrix, roc_auc_score

    rng = np.random.default_rng(4)
    for size in (12, 90):
        labels = [*oracle.flags(rng, size, 0.4), True, False]
        scores = [float(x) / 9 for x in rng.integers(10, size=size + 2)]
        assert oracle.pairs(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
        assert oracle.decomposed(scores, labels)["brier"] == pytest.approx(brier_score_loss(labels, scores))
        said, true = ([oracle.pick(rng, oracle.ABILITIES) for _ in range(size)] for _ in range(2))
        want = confusion_matrix(true, said, labels=list(oracle.ABILITIES)).tolist()
        found = oracle.confusion(said, true)["matrix"]
        assert [[found[a][b] for b in oracle.ABILITIES] for a in oracle.ABILITIES] == want


def test_parts_are_those_of_scikit_learns_calibration_curve():
    from sklearn.calibration import calibration_curve

    rng = np.random.default_rng(5)
    p = (rng.random(200) * 0.998 + 0.0007).tolist()
    y = [bool(rng.random() < x) for x in p]
    accuracy, confidence = calibration_curve(y, p, n_bins=8)
    rows = oracle.table(p, y, 8)["bins"]
    assert [row["confidence"] for row in rows] == pytest.approx(confidence.tolist())
    assert [row["accuracy"] for row in rows] == pytest.approx(accuracy.tolist())


def test_normalisation_agrees_with_squads_script_on_plain_text():
    import re
    import string

    def squad(text: str) -> str:  # the rules of the official evaluation script
        bare = "".join(c for c in text.lower() if c not in set(string.punctuation))
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())

    for text in ("The Eiffel Tower!", "an apple, a day", "U.S.A.", "$5 + 3%", "theatre", "Spider-Man"):
        assert oracle.normal(text) == squad(text)


def test_five_of_five_by_luck():
    """What the notebook says of a question with probability 0.8, and of the published numbers."""
    assert pytest.approx(0.328, abs=5e-4) == 0.8**5
    assert oracle.skill([False] * 1000, [True] * 116 + [False] * 884)["constant"] == pytest.approx(0.884)


# ---- the notebook's values ----


@pytest.mark.parametrize("seed", range(8))
def test_no_likely_mistake_hits_a_value(seed):
    records = truth.make_records(np.random.default_rng(seed))
    assert json.loads(json.dumps(records)) == records
    assert len(records) == truth.ITEMS
    for value, mistakes in truth.VALUES:
        right = value(records)
        assert math.isfinite(right)
        assert all(abs(wrong - right) > 6e-4 for wrong in mistakes(records).values())


def test_the_matcher_of_the_records_is_that_of_the_solutions():
    from solutions.lab5_metacognition.data import answer_matches, normalize_answer

    for seed in range(5):
        for record in truth.make_records(np.random.default_rng(100 + seed)):
            golds = [normalize_answer(alias) for alias in record["aliases"]]
            for name in ("replies", "replies_after"):
                found = [answer_matches(normalize_answer(reply), golds) for reply in record[name]]
                assert found == truth.hits(record, name)
