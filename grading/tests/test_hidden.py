"""The hidden tests of every lab ask for what the docstrings say, no more: other seeds, other solutions.

That the solutions pass, that each stub fails its own tests and that each mutant is caught is what
`grading verify` proves (grading/verify.py); here is what it leaves out. A lab of course.yaml takes part with
`labN_second_solution.py` beside this file, in which each function of a TODO stands a second time, written by
other means, and with a table `VALUES` in grading/hidden/labN_records.py:

    VALUES = {"4.V1": (tie_share, tie_mistakes), …}     # of the records: what is right, what mistakes give

Left out: whether a lab's own oracles are right (test_hidden_labN.py).
"""

from __future__ import annotations

import ast
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

import labkit.testing
from grading.stage import replace_function, stage
from grading.variants import Variant, run_variants, warm
from labkit.course import Lab, load_course

TOLERANCE = 6e-4  # of the notebook's values in the hidden tests


@pytest.fixture(scope="module", params=load_course().labs, ids=lambda lab: lab.key)
def lab(request) -> Lab:
    return request.param


@pytest.fixture(scope="module")
def truth(lab):
    return importlib.import_module(f"grading.hidden.{lab.key}_records")


@pytest.fixture(scope="module", autouse=True)
def warmed():
    warm()


def failures(lab: Lab, variant: Variant) -> list[str]:
    """Hidden tests of the TODOs that fail on a variant, with their messages."""
    [outcomes] = run_variants([variant], lab).values()
    hidden = [outcome for outcome in outcomes if outcome.kind == "hidden"]
    assert {outcome.id for outcome in hidden} == {todo.id for todo in lab.todos}
    return [f"{outcome.test}: {outcome.message}" for outcome in hidden if not outcome.passed]


# ---- a right solution never fails ----


@pytest.mark.parametrize("salt", range(3))
def test_the_solutions_pass_whatever_the_seed(lab, monkeypatch, salt):
    seed_from = labkit.testing.seed_from
    monkeypatch.setattr(labkit.testing, "seed_from", lambda test_id: seed_from(f"{salt}/{test_id}"))
    todos = tuple(todo.id for todo in lab.todos)
    assert failures(lab, Variant("solutions", "solutions", only=todos)) == []


def test_a_second_solution_by_other_means_passes(lab):
    text = Path(__file__).with_name(f"{lab.key}_second_solution.py").read_text(encoding="utf-8")
    functions = {
        node.name: ast.get_source_segment(text, node)
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }
    assert functions.keys() == {todo.function for todo in lab.todos}
    with stage("solutions", [lab.key]) as tree:
        folder = tree / "starter" / lab.package
        for todo in lab.todos:
            module = folder / todo.file
            source = module.read_text(encoding="utf-8")
            module.write_text(replace_function(source, todo.function, functions[todo.function]), "utf-8")
        assert failures(lab, Variant("second", folder, only=tuple(todo.id for todo in lab.todos))) == []


# ---- the notebook's values ----


@pytest.mark.parametrize("seed", range(12))
def test_no_likely_mistake_hits_a_value(lab, truth, seed):
    records = truth.make_records(np.random.default_rng(seed))
    assert json.loads(json.dumps(records)) == records
    assert truth.VALUES.keys() == {value.id for value in lab.values}
    for value_id, (value, mistakes) in truth.VALUES.items():
        right = np.array(value(records), dtype=float)
        assert np.isfinite(right).all(), value_id
        for words, wrong in mistakes(records).items():
            assert not np.allclose(wrong, right, rtol=0, atol=TOLERANCE), f"{value_id}: {words}"
