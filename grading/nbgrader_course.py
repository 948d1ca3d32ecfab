"""An nbgrader course folder with one lab's notebook as an assignment, for those who grade with nbgrader.

    grading nbgrader --lab lab4 --out course
    . .venv/bin/activate; cd course                     # nbgrader calls its own tools by name
    nbgrader generate_assignment lab4     # release/lab4/…: our notebook, with checksums
    nbgrader validate release/lab4/*.ipynb             # fails: nothing is answered yet
    nbgrader autograde lab4                            # grades submitted/<student>/lab4/*.ipynb

The source notebook holds the answers between nbgrader's own markers. Each value's test cell has a hidden part
that calls the lab's hidden test (grading/hidden/) on the notebook's own records. The stubs carry their ids:
the configuration's `OwnStub` puts them in, so the generated assignment equals `notebooks/` up to checksums.

Left out: the 70 points for modules, and safety. nbgrader runs the student's kernel with your rights and takes
its word; `grading run` doesn't. The notebook imports `starter`: put the student's tree first on PYTHONPATH.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import nbformat

from labkit.course import Course, Lab, grade_id, load_course
from labkit.errors import LabError
from labkit.submit import UNWRITTEN

from .build_notebook import nbgrader_notebook, stub_line, write_notebook
from .lint_tests import marked_tests, test_files
from .stage import staff_root

CONFIG = '''"""nbgrader's settings for {title}; written by `grading nbgrader`, which overwrites it."""

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    IncludeHeaderFooter,
    LockCells,
    SaveCells,
)

STUBS = {stubs}


class OwnStub(ClearSolutions):
    """Puts each cell's own stub in the place of its solution."""

    def _replace_solution_region(self, cell, language):
        stub = STUBS.get(cell.metadata.get("nbgrader", {{}}).get("grade_id"))
        if stub and cell.cell_type == "code":
            self.code_stub = {{language: stub}}
        elif stub:
            self.text_stub = stub
        return super()._replace_solution_region(cell, language)


c = get_config()  # noqa: F821, nbgrader runs this file
c.CourseDirectory.course_id = {course_id}
c.Execute.timeout = 600  # seconds a cell: experiment cells train
c.GenerateAssignment.preprocessors = [
    IncludeHeaderFooter,
    LockCells,
    OwnStub,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
    CheckCellMetadata,
]
'''
HIDDEN = """### BEGIN HIDDEN TESTS
from grading.nbgrader_course import check_value
check_value("{id}", {variable}, records)
### END HIDDEN TESTS"""


def write_course(lab: str, out: Path, root: Path | None = None) -> Path:
    """Write nbgrader_config.py and source/<lab>/<package>.ipynb to the folder `out`; returns the notebook.

    Raises LabError: unknown lab, no lab.py, or `out` holds something else. SourceError: it can't be built.
    """
    root = Path(root or staff_root())
    course = load_course(root)
    chosen = course.lab(lab)
    source = root / "solutions" / chosen.package / "lab.py"
    if not source.is_file():
        raise LabError("the lab's notebook source", "no such file", source)
    if out.exists() and any(out.iterdir()) and not (out / "nbgrader_config.py").is_file():
        raise LabError("an empty or new folder, or an nbgrader course", "other files", out)
    notebook = with_hidden_tests(chosen, source.read_text(encoding="utf-8"), course, root)
    out.mkdir(parents=True, exist_ok=True)
    (out / "nbgrader_config.py").write_text(config(course, chosen), encoding="utf-8")
    target = out / "source" / chosen.key / f"{chosen.package}.ipynb"
    write_notebook(notebook, target)
    return target


def with_hidden_tests(lab: Lab, text: str, course: Course, root: Path) -> nbformat.NotebookNode:
    """nbgrader's source notebook, the hidden part of each value's test cell included."""
    notebook = nbgrader_notebook(lab, text, f"solutions/{lab.package}/lab.py", course.release_url)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    hidden = root / test_files(lab)["hidden"]
    tested = {test.id for test in marked_tests(hidden, hidden.name)} if hidden.is_file() else set()
    for value in lab.values:
        cell = cells.get(grade_id(f"{value.id}-test"))
        if cell is not None and value.id in tested:
            cell.source += "\n" + HIDDEN.format(id=value.id, variable=value.variable)
    return notebook


def config(course: Course, lab: Lab) -> str:
    """The text of nbgrader_config.py: every graded cell's own stub."""
    stubs = {grade_id(value.id): stub_line(lab, value.id) for value in lab.values}
    stubs |= {grade_id(written.id): UNWRITTEN for written in lab.written}
    return CONFIG.format(
        title=course.title,
        stubs=json.dumps(stubs, indent=4, ensure_ascii=False),
        course_id=json.dumps(course.title.lower().replace(" ", "-")),
    )


class _Notebook:
    """What a hidden value test takes: the records, and the value the student's cell computed from them."""

    def __init__(self, value_id: str, value: object, records: list):
        self._id, self._value, self.records = value_id, value, records

    def value(self, value_id: str) -> object:
        if value_id != self._id:
            raise LabError(f"a test of {self._id} only", f"it asks for {value_id}")
        return self._value


def check_value(value_id: str, value: object, records: list) -> None:
    """Run the hidden tests of one value on `records`; called from a test cell while nbgrader grades.

    They are those of this checkout, or of the course at $GRADING_ROOT.
    Raises AssertionError: in the author's words for the likely mistake, without the expected value.
    """
    from labkit.testing import hide_expected

    root = Path(os.environ.get("GRADING_ROOT") or staff_root())
    course = load_course(root)
    lab = course.lab(course.value(value_id).lab)
    path = root / test_files(lab)["hidden"]
    module = _load(path)
    names = [test.name for test in marked_tests(path, path.name) if test.id == value_id]
    if not names:
        raise LabError(f"a hidden test of {value_id}", "none", path)
    hide_expected(True)
    for name in names:
        getattr(module, name)(_Notebook(value_id, value, records))


def _load(path: Path) -> ModuleType:
    name = f"hidden_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
