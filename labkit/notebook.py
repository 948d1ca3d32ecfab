"""The answer cells of a lab's notebook, run in this process on injected records.

Example, in a test:
    def test_the_share(notebook):
        assert_close(notebook.value("4.V1"), share_of(notebook.records), "…")

Runs the cells tagged `setup`, then the answer cells in their order; `records` is what the test file's
`make_records(rng)` made, in place of the cell tagged `inject`. Other cells and magics don't run. Left out:
isolation; the grader runs the same cells in a kernel in its sandbox.
"""

from __future__ import annotations

import json
import re
from types import ModuleType
from typing import Any

import numpy as np

from .course import Lab, item_id, load_course, project_root
from .errors import LabError
from .student import StudentError, student_error

_MAGIC = re.compile(r"^\s*[%!].*$", flags=re.MULTILINE)


class LocalNotebook:
    """The `notebook` of the tests, in this process: `records`, `value("4.V1")`, `rng`, `seed`."""

    def __init__(self, lab: Lab, tests: ModuleType, seed: int):
        make_records = getattr(tests, "make_records", None)
        if make_records is None:
            raise LabError("a function make_records(rng) in the test file", "none", tests.__file__)
        self.info, self.seed = lab, seed
        self.rng = np.random.default_rng(seed)
        self.records = make_records(self.rng)
        self._errors: dict[str, StudentError] = {}
        self._namespace = self._run()

    def value(self, value_id: str) -> Any:
        """What the answer cell of this value assigned to its variable.

        Raises StudentError: the cell raised, or assigned nothing. LabError: unknown id.
        """
        value = load_course().value(value_id)
        if value.id in self._errors:
            raise self._errors[value.id]
        if value.variable not in self._namespace:
            said = f"name {value.variable!r} is not defined"
            raise student_error("NameError", f"cell {value.id}", 0, said)
        return self._namespace[value.variable]

    def _run(self) -> dict[str, Any]:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        for cell in _cells(self.info):
            tags = cell["metadata"].get("tags", [])
            answer = item_id(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))
            source = _MAGIC.sub("", "".join(cell["source"]))
            if "inject" in tags:
                namespace["records"] = json.loads(json.dumps(self.records))  # a copy; the cell may change it
            elif "setup" in tags:
                exec(compile(source, f"set-up cell of {self.info.notebook}", "exec"), namespace)
            elif answer in {value.id for value in self.info.values}:
                try:
                    exec(compile(source, f"cell {answer}", "exec"), namespace)
                except Exception as error:
                    self._errors[answer] = _cell_error(error, f"cell {answer}")
        return namespace


def _cells(lab: Lab) -> list[dict[str, Any]]:
    path = project_root() / lab.notebook
    if not path.is_file():
        raise LabError(f"the notebook of {lab.key}", "no such file", path, "labs doctor")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _cell_error(error: Exception, cell: str) -> StudentError:
    line = getattr(error, "lineno", 0) or 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == cell:
            line = trace.tb_lineno
        trace = trace.tb_next
    return student_error(type(error).__name__, cell, line, str(error))
