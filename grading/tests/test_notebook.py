"""Notebooks of submissions: what is read of them, what runs, and that one bad answer costs one value."""

import copy
import json
import time

import nbformat
import pytest

from grading import sandbox
from grading.notebook import NotebookRun, _Claims
from grading.notebook_merge import MAX_CELL, merge
from labkit.course import Lab
from labkit.errors import LabError

LAB = Lab(
    key="lab9",
    package="lab9_toy",
    title="Toy",
    values=[
        {"id": "9.V1", "variable": "total", "title": "Sum", "points": 5},
        {"id": "9.V2", "variable": "largest", "title": "Largest", "points": 5},
        {"id": "9.V3", "variable": "spread", "title": "Spread", "points": 5},
    ],
    written=[{"id": "9.W1", "title": "Why", "points": 15}],
)
ANSWERS = {
    "9.V1": "total = add([r['x'] for r in records])",
    "9.V2": "largest = max(r['x'] for r in records)",
    "9.V3": "import numpy as np\nspread = [np.float64(total - largest), float('nan')]",
}
RECORDS = [{"x": 2}, {"x": 7}]


def graded(cell, grade_id, *, solution, points=None, kind="code"):
    name = grade_id.replace(".", "-")
    grading = {"cell_type": kind, "grade": points is not None, "grade_id": name, "locked": not solution}
    grading |= {"schema_version": 3, "solution": solution, "task": False}
    cell.metadata["nbgrader"] = grading | ({"points": points} if points is not None else {})
    cell["id"] = name
    return cell


@pytest.fixture(scope="module")
def staff():
    """The toy lab's released notebook, as bytes."""
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    cells = [
        code("from starter.lab9_toy.method import add", metadata={"tags": ["setup"]}, id="setup"),
        code("records = [{'x': 1}]", metadata={"tags": ["inject"]}, id="inject"),
        code("raise SystemExit('an experiment must not run')", metadata={"tags": ["experiment"]}, id="long"),
    ]
    for value in LAB.values:
        stub = f"raise NotImplementedError('TODO {value.id}')"
        cells.append(graded(code(stub), value.id, solution=True))
        check = f"assert {value.variable} is not None"
        cells.append(graded(code(check), f"{value.id}-test", solution=False, points=5))
    cells.append(graded(text("*Your answer here*"), "9.W1", solution=True, points=15, kind="markdown"))
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()


def solved(staff: bytes, answers=ANSWERS, written="Because.") -> dict:
    """The staff's notebook as a student hands it in."""
    notebook = json.loads(staff)
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "").replace("-", ".", 1)
        if grade_id in answers:
            cell["source"] = answers[grade_id]
        elif grade_id == "9.W1":
            cell["source"] = written
    return notebook


def as_bytes(notebook) -> bytes:
    return json.dumps(notebook).encode()


def cell_of(notebook: dict, grade_id: str) -> dict:
    name = grade_id.replace(".", "-")
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)


def answers_of(merged) -> dict[str, str]:
    return {cell["id"]: cell["source"] for cell in merged.cells if cell["kind"] == "answer"}


# ---- reading ----


def test_answers_are_put_into_the_staffs_cells(staff):
    merged = merge(staff, as_bytes(solved(staff)), LAB)
    assert answers_of(merged) == ANSWERS and not merged.notes and not merged.missing
    assert merged.written == {"9.W1": "Because."}
    kinds = [cell["kind"] for cell in merged.cells]
    assert kinds == ["setup", "setup"] + ["answer", "test"] * 3, "experiment cells are left out"


def test_an_untouched_written_answer_is_empty(staff):
    assert merge(staff, staff, LAB).written == {"9.W1": ""}


def test_a_deleted_cell_costs_itself(staff):
    notebook = solved(staff)
    notebook["cells"].remove(cell_of(notebook, "9.V2"))
    merged = merge(staff, as_bytes(notebook), LAB)
    assert set(answers_of(merged)) == {"9.V1", "9.V3"} and "9.V2" in merged.missing
    assert merged.notes == ("cell 9.V2 was deleted; it counts as empty",)


def test_of_duplicated_cells_the_first_counts(staff):
    notebook = solved(staff)
    second = copy.deepcopy(cell_of(notebook, "9.V1")) | {"source": "total = 99"}
    notebook["cells"].append(second)
    merged = merge(staff, as_bytes(notebook), LAB)
    assert answers_of(merged)["9.V1"] == ANSWERS["9.V1"]
    assert merged.notes == ("cell 9.V1 occurs 2 times; the first one counts",)


def test_a_cell_that_lost_its_metadata_is_found_by_its_id(staff):
    notebook = solved(staff)
    cell_of(notebook, "9.V1")["metadata"] = {}
    merged = merge(staff, as_bytes(notebook), LAB)
    assert answers_of(merged)["9.V1"] == ANSWERS["9.V1"]
    assert merged.notes == ("the grading metadata of cell 9.V1 was changed; ours counts",)


def test_retyped_cells_changed_points_and_changed_tests_are_repaired(staff):
    notebook = solved(staff)
    cell_of(notebook, "9.V1")["cell_type"] = "raw"
    cell_of(notebook, "9.V2-test")["metadata"]["nbgrader"]["points"] = 500
    cell_of(notebook, "9.V3-test")["source"] = ["import os\n", "os._exit(0)"]
    merged = merge(staff, as_bytes(notebook), LAB)
    assert answers_of(merged) == ANSWERS
    assert [cell["source"] for cell in merged.cells if cell["kind"] == "test"][
        2
    ] == "assert spread is not None"
    assert merged.notes == (
        "the type of cell 9.V1 was changed; it was read as code",
        "test cell 9.V2-test was changed; ours ran",
        "test cell 9.V3-test was changed; ours ran",
    )


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"{ not json", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b"[" * 200_000, "not valid JSON"),
        (b'{"worksheets": []}', "no cells of nbformat 4"),
        (b"[1, 2]", "no cells of nbformat 4"),
        (b'{"cells": {"a": 1}}', "cells are no list"),
        (b'{"cells": [1, {"source": 3}, {"source": [4]}]}', "3 cells of the notebook are malformed"),
        (None, "no notebook in the submission"),
    ],
)
def test_a_file_that_is_no_notebook_is_an_empty_one(staff, content, note):
    merged = merge(staff, content, LAB)
    assert set(merged.missing) == {"9.V1", "9.V2", "9.V3"} and merged.written == {"9.W1": ""}
    assert note in " ".join(merged.notes)


def test_odd_metadata_and_endless_cells_do_not_break_the_reader(staff):
    notebook = solved(staff, ANSWERS | {"9.V2": "#" * (MAX_CELL + 1)})
    cell_of(notebook, "9.V1")["metadata"] = {"nbgrader": ["grade_id"]}
    notebook["cells"].insert(0, {"source": "x", "metadata": 7, "id": ["9-V1"]})
    notebook["cells"][5]["outputs"] = [{"output_type": "stream", "text": "x" * 5_000_000}]
    merged = merge(staff, as_bytes(notebook), LAB)
    assert answers_of(merged)["9.V1"] == ANSWERS["9.V1"] and "9.V2" in merged.missing


def test_a_staff_notebook_without_a_graded_cell_is_our_mistake(staff):
    notebook = json.loads(staff)
    notebook["cells"].remove(cell_of(notebook, "9.V2"))
    with pytest.raises(LabError, match=r"9\.V2"):
        merge(as_bytes(notebook), staff, LAB)


# ---- running ----


@pytest.fixture
def tree(tmp_path):
    """A staged tree of the toy lab."""
    (tmp_path / "starter" / "lab9_toy").mkdir(parents=True)
    for folder in ("starter", "starter/lab9_toy"):
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "starter/lab9_toy/method.py").write_text("def add(values):\n    return sum(values)\n")
    return tmp_path


BACKENDS = [
    pytest.param(
        name, marks=pytest.mark.skipif(not sandbox.probe(name).works, reason=sandbox.probe(name).reason)
    )
    for name in ("bubblewrap", "user", "limits")
]


@pytest.mark.parametrize("backend", BACKENDS)
def test_values_come_back_from_the_injected_records(staff, tree, backend):
    with NotebookRun(merge(staff, as_bytes(solved(staff)), LAB), LAB, RECORDS, tree, backend=backend) as run:
        claims = [run.claim(value.id) for value in LAB.values]
    assert [claim.state for claim in claims] == ["ok"] * 3
    assert claims[0].value == 9 and claims[1].value == 7
    assert claims[2].value[0] == 2.0 and type(claims[2].value[0]) is float
    assert all(claim.check for claim in claims)


def run_with(staff, tree, answers, **settings):
    merged = merge(staff, as_bytes(solved(staff, ANSWERS | answers)), LAB)
    with NotebookRun(merged, LAB, RECORDS, tree, **settings) as run:
        return {value.id: run.claim(value.id) for value in LAB.values}


def test_each_failed_answer_says_how_it_failed(staff, tree):
    answers = {"9.V1": "raise NotImplementedError('TODO 9.V1')", "9.V2": "a = 1\nlargest = 1 / 0"}
    claims = run_with(staff, tree, answers | {"9.V3": "spraed = 1"})
    assert claims["9.V1"].state == "todo"
    assert claims["9.V2"].state == "error" and claims["9.V2"].check is False
    assert claims["9.V2"].error == ("ZeroDivisionError", "cell 9.V2", 2)
    assert claims["9.V3"].error == ("NameError", "cell 9.V3", 0)


def test_an_error_in_a_module_names_the_module(staff, tree):
    (tree / "starter/lab9_toy/method.py").write_text("def add(values):\n    x = 1\n    raise KeyError('x')\n")
    claims = run_with(staff, tree, {"9.V2": "largest = ("})
    assert claims["9.V1"].error == ("KeyError", "method.py", 3)
    assert claims["9.V2"].error[0] == "SyntaxError"


STUBBORN = "while True:\n  try:\n    import time; time.sleep(1)\n  except BaseException: pass"
GREEDY = "import os\nfor _ in range(40): os.fork() == 0 and bytearray(os.urandom(1)) * (200 << 20)"


@pytest.mark.parametrize(
    ("first", "state"),
    [
        ("while True: pass", "timeout"),
        (STUBBORN, "timeout"),
        ("import os; os._exit(0)", "crashed"),
        ("total = bytearray(8 << 30)", "error"),
    ],
)
def test_a_hang_or_a_crash_costs_one_value_only(staff, tree, first, state):
    answers = {"9.V1": "helper = 3", "9.V2": first, "9.V3": "spread = helper + 1"}
    claims = run_with(staff, tree, answers, cell_seconds=2)
    assert claims["9.V2"].state == state
    assert claims["9.V3"].value == 4, "later answers see earlier ones"


def test_cpu_time_decides_and_a_slow_machine_costs_nothing(staff, tree):
    waits = {"9.V1": "import time; time.sleep(4); total = 1", "9.V2": "while True: pass"}
    claims = run_with(staff, tree, waits | {"9.V3": "spread = 1"}, cell_seconds=2)
    assert (claims["9.V1"].value, claims["9.V2"].state, claims["9.V3"].value) == (1, "timeout", 1)


@pytest.mark.parametrize(
    "claim",
    [
        '{"state": 5}',
        '{"state": "error", "error": ["x" * 5_000_000, "", 0]}',
        '{"state": "error", "error": [["E"] * 100_000]}',
        '{"state": "ok", "frame": 7, "error": {}}',
        '{"state": "ok", "frame": "x" * 5_000_000}',
        '"half \\ud800"',
    ],
    ids=["state", "long", "deep", "types", "frame", "text"],
)
def test_a_forged_claim_costs_its_own_value_only(staff, tree, claim):
    forge = (
        "from IPython.display import publish_display_data\n"
        f"claim = {claim}\n"
        "import labs_codec\n"
        "class Forged:\n"
        "    def __call__(self, *_): publish_display_data({'application/x-labs-claim': claim})\n"
        "largest = 1\n"
        "get_ipython().events.register('post_run_cell', Forged())"
    )
    claims = run_with(staff, tree, {"9.V2": forge, "9.V3": "spread = 1"})
    assert claims["9.V1"].value == 9 and claims["9.V2"].value != 9


def test_half_a_character_in_an_answer_costs_nobody_else(staff, tree):
    claims = run_with(staff, tree, {"9.V2": "largest = '\ud800'"})
    assert claims["9.V1"].value == 9 and claims["9.V3"].state == "error"
    assert claims["9.V2"].value == "?"


def test_each_claim_is_checked_by_itself():
    good = {"state": "ok", "frame": "AA=="}
    file = {
        "setup": {"state": "ok"},
        "answers": {"9.V1": {"state": 5}, "9.V2": good, "9.V3": [1]},
        "tests": 3,
    }
    claims = _Claims.of(file)
    assert [claims.answers[name].state for name in ("9.V1", "9.V2", "9.V3")] == ["crashed", "ok", "crashed"]
    assert claims.setup.state == "ok" and claims.tests == {}
    for nothing in (None, [], "x", {"setup": 1, "answers": [1]}):
        assert _Claims.of(nothing).setup.state == "crashed"


def test_processes_that_together_hold_too_much_are_ended(staff, tree):
    started = time.monotonic()
    claims = run_with(staff, tree, {"9.V1": "total = 1", "9.V2": GREEDY}, cell_seconds=20)
    assert claims["9.V1"].value == 1 and claims["9.V2"].state in ("crashed", "timeout", "error")
    assert time.monotonic() - started < 60


def test_a_set_up_that_fails_leaves_every_value_without_points(staff, tree):
    (tree / "starter/lab9_toy/method.py").write_text("def add(values:\n")
    claims = run_with(staff, tree, {})
    assert {claim.state for claim in claims.values()} == {"error"}
    assert claims["9.V1"].error[0] == "SyntaxError"


def test_only_plain_values_of_sane_size_come_back_and_no_output(staff, tree):
    always = "class Yes(float):\n    def __eq__(self, other): return True\ntotal = Yes(1)"
    flood = "for _ in range(300): print('x' * 100_000)\nspread = 5"
    claims = run_with(staff, tree, {"9.V1": always, "9.V2": "largest = [0] * 1_000_000", "9.V3": flood})
    assert claims["9.V1"].state == "error" and claims["9.V2"].state == "error"
    assert claims["9.V3"].value == 5


def test_rewriting_the_kernel_gains_nothing_beyond_a_claim(staff, tree):
    hostile = (
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['total = 42\\n'])\n"
        "import labs_codec; labs_codec.dumps = lambda value: b'PTL1'\ntotal = 9"
    )
    claims = run_with(staff, tree, {"9.V1": hostile})
    assert all(claim.value != 9 or claim.state == "ok" for claim in claims.values())
    assert claims["9.V3"].state != "ok"


def test_killing_the_runner_leaves_a_result(staff, tree):
    kill = "import os, signal\nos.kill(os.getppid(), 9)\nimport time; time.sleep(1)\nlargest = 1"
    claims = run_with(staff, tree, {"9.V2": kill})
    assert claims["9.V1"].value == 9 and claims["9.V2"].state == "crashed"


def test_a_forged_claims_file_is_still_only_a_claim(staff, tree):
    forge = (
        "import json, os\n"
        "command = open('/proc/%d/cmdline' % os.getppid()).read().split(chr(0))\n"
        "path = next(word for word in command if word.endswith('claims.json'))\n"
        "forged = {'answers': {'9.V1': {'state': [1], 'score': 99}}}\n"
        "open(path, 'w').write(json.dumps(forged))\n"
        "os.kill(os.getppid(), 9)"
    )
    claims = run_with(staff, tree, {"9.V1": forge})
    assert {claim.state for claim in claims.values()} == {"crashed"}
