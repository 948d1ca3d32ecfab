"""The demo judges its own results: each kind of submission must get exactly what it is due."""

import io

import pytest
from rich.console import Console

from grading.demo import judged, table
from grading.results import Ledger, load
from grading.samples import KINDS, half_of, pack
from grading.stage import staff_root
from grading.tests.sample_results import promised_rows, run_data
from labkit.course import load_course

LAB = load_course(staff_root()).lab("lab4")


def results_with(folder, passed):
    """A complete results.json by modules in which exactly these TODOs pass."""
    rows = [row for row in promised_rows() if row.extra_data.kind == "module"]
    ledger = Ledger(folder / "results.json", run_data(), rows)
    for row in rows:
        good = row.number in passed
        ledger.record(row.extra_data.test, "passed" if good else "failed", row.max_score if good else 0.0, "")
    return ledger.finish("")


EVERY = [todo.id for todo in LAB.todos]
RIGHT = {"reference": EVERY, "untouched": [], "half": half_of(LAB), "wrong": []}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_due_is_no_problem(tmp_path, kind):
    row = judged(LAB, kind, tmp_path, results_with(tmp_path, RIGHT[kind]), seconds=1.0)
    assert row.problem == "" and row.passed == len(RIGHT[kind])


@pytest.mark.parametrize(
    ("kind", "passed", "words"),
    [
        ("reference", EVERY[:-1], "66 points, not 70"),
        ("untouched", ["4.7"], "4 points, not 0"),
        ("half", EVERY, "70 points, not 37"),
        ("wrong", ["4.7"], "1 TODOs pass every check"),
    ],
)
def test_anything_else_is_said(tmp_path, kind, passed, words):
    assert judged(LAB, kind, tmp_path, results_with(tmp_path, passed), seconds=1.0).problem == words


def test_a_grader_that_died_is_a_problem_whatever_the_points(tmp_path):
    results = results_with(tmp_path, [])
    assert "exit code 1" in judged(LAB, "untouched", tmp_path, results, 1.0, code=1).problem
    Ledger(tmp_path / "results.json", run_data(), promised_rows())
    unfinished = load(tmp_path / "results.json")
    assert "grader failed" in judged(LAB, "untouched", tmp_path, unfinished, 1.0).problem


def test_the_table_fits_eighty_columns(tmp_path):
    rows = [judged(LAB, kind, tmp_path, results_with(tmp_path, RIGHT[kind]), 12.3) for kind in KINDS]
    console = Console(width=80, file=io.StringIO())
    console.print(table(rows))
    text = console.file.getvalue()
    assert all(kind in text for kind in KINDS) and "70/70" in text and "…" not in text


def test_the_wrong_submission_differs_from_the_reference_in_every_todo(tmp_path):
    import ast
    import zipfile

    def functions(kind):
        archive = zipfile.ZipFile(pack(kind, LAB, tmp_path / f"{kind}.zip"))
        found = {}
        for file in {todo.file for todo in LAB.todos}:
            tree = ast.parse(archive.read(f"starter/{LAB.package}/{file}"))
            found |= {node.name: ast.unparse(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
        return found

    right, wrong = functions("reference"), functions("wrong")
    assert [todo.id for todo in LAB.todos if right[todo.function] == wrong[todo.function]] == []
