"""The rows that a results.json will have, promised before anything of a submission runs.

    rows = item_rows(lab)                        # at once, from course.yaml: one row a TODO and value
    tests = collect(hidden_file(lab))            # pytest's own collection: one record a hidden test
    rows = test_rows(lab, tests)                 # one row a hidden test, with its points, all zero

A row that is promised and never heard of again stays at zero and says so. Points of the hidden tests that
don't add up to course.yaml's are our mistake and stop the grading. Left out: running the tests (`plugin.py`).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

import labkit.testing
from grading.plugin import GraderError, without_plugins
from grading.results import Ledger, Row, RowData
from grading.stage import staff_root
from labkit.course import Lab, Todo, Value, grade_id


@dataclass(frozen=True)
class HiddenTest:
    """One hidden test as pytest collects it: its id in the file, the TODO or value it checks, its points."""

    name: str
    item: str
    points: float


def hidden_file(lab: Lab) -> Path:
    """The hidden tests of a lab."""
    return staff_root() / "grading" / "hidden" / f"test_{lab.package}.py"


class _Collector:
    """pytest's items, or the end of what it said about a file that it could not import."""

    def __init__(self):
        self.items: list[pytest.Item] = []
        self.broken = ""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = list(session.items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken = str(report.longrepr)[-500:]


def collect(file: Path) -> tuple[list[HiddenTest], ModuleType]:
    """The tests of a hidden file in order, and its module (where `make_records` lives).

    Raises GraderError: pytest can't collect it, or a test has no points.
    """

    collector = _Collector()
    words = [str(file), "--collect-only", "--rootdir", str(file.parent), "-c", os.devnull, "--noconftest"]
    words += ["--assert=plain", "-p", "no:cacheprovider", "-p", "no:terminal"]
    said = io.StringIO()
    with without_plugins(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = pytest.main(words, plugins=[labkit.testing, collector])
    if status != pytest.ExitCode.OK or not collector.items:
        reason = collector.broken or said.getvalue()[-500:] or f"pytest ended with {status}"
        raise GraderError(f"{file.name} can't be collected: {reason}")
    tests = []
    for item in collector.items:
        marker = item.get_closest_marker("todo") or item.get_closest_marker("value")
        if marker is None or not marker.args or "points" not in marker.kwargs:
            raise GraderError(f"{file.name}: {item.name} has no id or no points")
        tests.append(HiddenTest(item.name, str(marker.args[0]), float(marker.kwargs["points"])))
    return tests, collector.items[0].module


def item_rows(lab: Lab, values: bool = True) -> list[Row]:
    """One row with zero for each TODO, value and written question: what stands until tests are collected."""
    rows = [
        _row(lab, item, f"{item.id} {item.title}", item.points, item.id, item.title)
        for item in (*lab.todos, *(lab.values if values else ()))
    ]
    return rows + (written_rows(lab) if values else [])


def test_rows(lab: Lab, tests: Sequence[HiddenTest], values: bool = True) -> list[Row]:
    """One row with zero for each hidden test, in the order of course.yaml; then the written questions.

    Raises GraderError: the points of an item's tests don't add up to course.yaml's.
    """
    rows = []
    for item in (*lab.todos, *(lab.values if values else ())):
        own = [test for test in tests if test.item == item.id]
        total = sum(test.points for test in own)
        if abs(total - item.points) > 1e-6:
            raise GraderError(
                f"hidden tests of {item.id}: {total:g} points, course.yaml gives {item.points:g}"
            )
        for test in own:
            words = in_words(test.name) if isinstance(item, Todo) else item.title
            label = f"{item.function}: {words}" if isinstance(item, Todo) else words
            rows.append(_row(lab, item, f"{item.id} {label}", test.points, test.name, words))
    return rows + (written_rows(lab) if values else [])


test_rows.__test__ = False  # a helper, though pytest would collect the name


def in_words(test: str) -> str:
    """ "test_ties_go_to_the_earliest_answer" → "ties go to the earliest answer"; cases are only numbered."""
    name, _, case = test.partition("[")
    number = re.match(r"\d+", case)
    return name.removeprefix("test_").replace("_", " ") + (f" ({number[0]})" if number else "")


def _row(lab: Lab, item: Todo | Value, name: str, points: float, test: str, expected: str) -> Row:
    data = RowData(
        kind="module" if isinstance(item, Todo) else "value",
        state="not_run",
        test=test,
        todo=item.id,
        grade_id=None if isinstance(item, Todo) else f"{grade_id(item.id)}-test",
        title=item.title,
        file=getattr(item, "file", None),
        function=getattr(item, "function", None),
        section=getattr(item, "section", None),
        expected=expected,
    )
    return Row(
        number=item.id,
        name=name,
        score=0.0,
        max_score=points,
        status="failed",
        output=Ledger.NOT_RUN,
        visibility=lab.visibility_of(item),
        tags=[item.id],
        extra_data=data,
    )


def written_rows(lab: Lab) -> list[Row]:
    """A row without points for each question that a person grades."""
    rows = []
    for item in lab.written:
        data = RowData(
            kind="written",
            state="waiting",
            test=item.id,
            todo=item.id,
            grade_id=grade_id(item.id),
            title=item.title,
            points=item.points,
        )
        name = f"{item.id} {item.title} (up to {item.points:g} points, read by a person)"
        visibility = lab.visibility_of(item)
        rows.append(
            Row(number=item.id, name=name, visibility=visibility, tags=[item.id, "written"], extra_data=data)
        )
    return rows
