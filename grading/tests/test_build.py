"""The builder: what it makes of a small course, and that an error leaves everything as it was."""

import ast
import json
import subprocess
import sys

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from grading.build import build, differences
from grading.markers import SourceError
from grading.stage import staff_root
from grading.tests.small_course import change, write_small_course

METHOD = "solutions/lab7_toy/method.py"
LAB = "solutions/lab7_toy/lab.py"


@pytest.fixture
def course(tmp_path):
    return write_small_course(tmp_path)


def notebook_of(course):
    return nbformat.read(course / "notebooks/lab7_toy.ipynb", as_version=4)


# ---- what is built ----


def test_a_region_becomes_a_stub_between_visible_fences(course):
    build(course)
    built = (course / "starter/lab7_toy/method.py").read_text("utf-8")
    assert built[built.index("    # TODO 7.2") :] == (
        "    # TODO 7.2: half of it.\n"
        "    # ---- your code for 7.2 starts here ----\n"
        '    raise NotImplementedError("TODO 7.2 halve: see notebooks/lab7_toy.ipynb, section 2")\n'
        "    # ---- ends here ----\n"
    )
    assert "SOLUTION" not in built and "operator" not in built
    assert "number must be finite" in built, "validation before the region stays visible"
    ast.parse(built)


def test_a_long_stub_is_broken_as_ruff_breaks_it():
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "format",
            "--check",
            "--isolated",
            "--config=line-length=110",
            "starter",
        ],
        cwd=staff_root(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_configs_are_copied_and_the_notebook_source_is_not(course):
    build(course)
    names = sorted(p.relative_to(course).as_posix() for p in (course / "starter/lab7_toy").rglob("*.*"))
    assert names == [f"starter/lab7_toy/{n}" for n in ("__init__.py", "configs/nano.yaml", "method.py")]


def test_the_same_source_gives_the_same_bytes(course):
    build(course)
    first = {path: path.read_bytes() for path in (course / "notebooks").iterdir()}
    for path in first:
        path.unlink()
    build(course)
    assert {path: path.read_bytes() for path in first} == first


def test_the_notebook_has_stable_ids_no_outputs_and_a_python3_kernel(course):
    build(course)
    notebook = notebook_of(course)
    ids = [cell.id for cell in notebook.cells]
    for expected in ("setup", "inject", "card-7-1", "card-7-2", "7-V1", "7-V1-test", "7-W1", "7-1-double"):
        assert expected in ids
    assert len(ids) == len(set(ids))
    assert all(not cell.get("outputs") for cell in notebook.cells)
    assert notebook.metadata.kernelspec.name == "python3"


def test_graded_cells_carry_nbgraders_schema_3_with_the_tables_points(course):
    build(course)
    notebook = notebook_of(course)
    MetadataValidator().validate_nb(notebook)
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    answer, test, written = cells["7-V1"], cells["7-V1-test"], cells["7-W1"]
    assert (answer.metadata.nbgrader.solution, answer.metadata.nbgrader.grade) == (True, False)
    assert (test.metadata.nbgrader.locked, test.metadata.nbgrader.points) == (True, 1)
    assert test.metadata.editable is False and test.source == "assert isinstance(total, int)"
    assert (written.metadata.nbgrader.solution, written.metadata.nbgrader.grade) == (True, True)
    assert written.metadata.nbgrader.points == 2
    assert 'raise NotImplementedError("TODO 7.V1 total: compute it in this cell")' in answer.source
    assert "everybody calls doubling" not in written.source


def test_cards_and_the_title_table_come_from_the_course_table(course):
    build(course)
    cells = {cell.id: cell.source for cell in notebook_of(course).cells}
    assert "`halve` in `starter/lab7_toy/method.py`" in cells["card-7-2"]
    assert "●●○○○" in cells["card-7-2"] and 'check("7.2")' in cells["card-7-2"]
    assert cells["card-all"].startswith("# Toy\n\n|") and "| **6** | **10** |" in cells["card-all"]
    assert cells["setup"] == 'where = "https://example.edu/small.zip"'


# ---- --check ----


def test_check_names_the_file_that_differs(course):
    build(course)
    assert differences(course) == []
    change(course / "starter/lab7_toy/method.py", "half of it", "a third of it")
    (course / "starter/lab7_toy/old.py").write_text("")
    (course / "notebooks/lab7_toy.ipynb").unlink()
    (course / "starter/lab9_gone").mkdir()
    (course / "starter/lab9_gone/method.py").write_text("")
    assert differences(course) == [
        "starter/lab7_toy/method.py: differs",
        "starter/lab7_toy/old.py: nothing builds it",
        "starter/lab9_gone/method.py: not in course.yaml",
        "notebooks/lab7_toy.ipynb: missing",
    ]
    build(course)
    assert differences(course) == [] and not (course / "starter/lab9_gone").exists()
    assert (course / "starter/__init__.py").read_text() == '"""Yours."""\n'


def test_the_committed_tree_is_what_the_sources_build():
    assert differences(staff_root()) == []


def test_nothing_is_written_on_an_error(course):
    build(course)
    before = {path: path.read_bytes() for path in (course / "starter").rglob("*.*") if path.is_file()}
    change(course / METHOD, "return number / 2", "return number / 2.0")
    change(course / LAB, '# %% test="7.V1"', '# %% test="7.V2"')
    with pytest.raises(SourceError):
        build(course)
    assert {path: path.read_bytes() for path in before} == before
    assert not list(course.glob(".build-*"))


def test_an_import_that_only_a_solution_needs_is_an_error(course):
    change(course / METHOD, "import math\n", "import math\nimport operator\n")
    change(course / METHOD, "    import operator\n\n", "")
    with pytest.raises(
        SourceError, match=r"starter/lab7_toy/method.py:4: .*operator.*move it into the marked"
    ):
        build(course)


def test_a_file_of_an_unknown_kind_is_an_error(course):
    (course / "solutions/lab7_toy/notes.docx").write_text("")
    with pytest.raises(SourceError, match="notes.docx:1"):
        build(course)


def test_the_real_notebook_has_no_answers_in_it():
    for path in (staff_root() / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        assert not any("SOLUTION" in "".join(cell["source"]) for cell in cells)
