"""`check("4.7")`: runs the public checks of one TODO on the files as they are, and answers in words.

Example, in a notebook or a terminal:
    from labkit.check import check
    check("4.7")                   # 4.7 Majority vote: all public checks passed (3 of 3).
    check("lab4")                  # one line for every TODO of the lab

The checks are the tests in `tests/`; pytest runs them here and stays silent. Passing is no promise: the
grader has further tests. Left out: isolation; this is for one's own code.
"""

from __future__ import annotations

import difflib
import html
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .course import Course, Lab, Todo, load_course, project_root
from .errors import LabError


@dataclass(frozen=True)
class Problem:
    """One failed check: its name as a sentence, what to say about it, and what the student's code printed."""

    name: str
    words: str
    printed: str = ""


@dataclass
class Outcome:
    """The public checks of one TODO: how many ran, and the problems. `note` says why none ran."""

    todo: Todo
    package: str
    total: int = 0
    problems: list[Problem] = field(default_factory=list)
    note: str = ""

    @property
    def passed(self) -> bool:
        return self.total > 0 and not self.problems and not self.note

    @property
    def unwritten(self) -> bool:
        return bool(self.problems) and all(p.words.startswith("not written yet") for p in self.problems)

    @property
    def headline(self) -> str:
        name = f"{self.todo.id} {self.todo.title}"
        if self.note:
            return f"{name}: {self.note}"
        good = self.total - len(self.problems)
        if self.passed:
            return f"{name}: all public checks passed ({good} of {self.total}). The grader has more of them."
        if self.unwritten:
            return (
                f"{name}: not written yet ({self.todo.function} in starter/{self.package}/{self.todo.file})."
            )
        return f"{name}: {good} of {self.total} public checks passed."

    @property
    def text(self) -> str:
        if self.passed or self.note or self.unwritten:
            return self.headline
        lines = [self.headline]
        for problem in self.problems:
            lines.append(f"  ✗ {problem.name}")
            lines += [f"      {line}" for line in problem.words.splitlines()]
            if problem.printed:
                lines.append("      your code printed:")
                lines += [f"        {line}" for line in problem.printed.splitlines()[-20:]]
        return "\n".join(lines)


def check(what: str) -> None:
    """Shows how the public checks of a TODO ("4.7") or a lab ("lab4") go. Raises nothing for a wrong id."""
    try:
        outcomes = run_checks(what)
        text = "\n".join(outcome.text for outcome in outcomes)
        good = all(outcome.passed for outcome in outcomes)
    except LabError as error:
        text, good = str(error), False
    _show(text, good)


def run_checks(what: str, root: Path | None = None) -> list[Outcome]:
    """The outcomes of the public checks, one a TODO.

    Raises LabError: an id or a lab that the course does not have (with near ones), or no test file.
    """
    root = root or project_root()
    lab, todos = _wanted(load_course(root), what)
    tests = root / lab.tests
    if not tests.is_file():
        raise LabError(f"the public checks of {lab.key}", "no such file", tests, "labs doctor")
    outcomes = {todo.id: Outcome(todo, lab.package) for todo in todos}
    collector = _Collector(outcomes)
    _run_pytest(tests, root, collector)
    for outcome in outcomes.values():
        if collector.broken:
            outcome.note = f"its checks could not be loaded: {collector.broken}"
        elif not outcome.total:
            outcome.note = "has no public check; the grader's tests are its only ones."
    return list(outcomes.values())


def _wanted(course: Course, what: str) -> tuple[Lab, list[Todo]]:
    name = str(what).strip()
    if name.lower() in {text for lab in course.labs for text in (lab.key, lab.number, lab.package)}:
        lab = course.lab(name)
        return lab, list(lab.todos)
    if not re.match(r"(todo\s*|lab)?\d+[\W_]+\w", name, re.IGNORECASE):
        raise _neither_todo_nor_lab(course, name)
    item = course.item(name)
    lab = course.lab(item.lab)
    if isinstance(item, Todo):
        return lab, [item]
    if item.id.split(".")[1].startswith("V"):
        raise LabError("the id of a TODO", f"{item.id}: the cell below its answer in the notebook checks it")
    raise LabError("the id of a TODO", f"{item.id}: a person grades this answer")


def _neither_todo_nor_lab(course: Course, name: str) -> LabError:
    keys = [lab.key for lab in course.labs]
    todo = next((todo for lab in course.labs for todo in lab.todos if todo.function == name), None)
    told = f"{name} is TODO {todo.id}" if todo else f"the labs are {', '.join(keys)}"
    near = difflib.get_close_matches(name.replace(" ", "").lower(), keys, n=1, cutoff=0.8) or keys
    command = f"labs check {todo.id if todo else near[0]}"
    return LabError("a TODO such as '4.7', or a lab", f"{name!r}; {told}", command=command)


def _run_pytest(tests: Path, root: Path, collector: _Collector) -> None:
    import pytest

    quiet = [
        "no:terminal",
        "no:cacheprovider",
        "no:faulthandler",
        "no:unraisableexception",
        "no:threadexception",
    ]
    arguments = [str(tests), f"--rootdir={root}", f"--confcutdir={root}", "--import-mode=importlib"]
    arguments += ["--disable-plugin-autoload", "--capture=sys", "-W", "ignore", "-o", "addopts="]
    for plugin in [*quiet, "labkit.testing"]:
        arguments += ["-p", plugin]
    with _importable(root), _without_log_lines():
        code = pytest.main(arguments, plugins=[collector])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not collector.broken:
        collector.broken = f"pytest ended with {pytest.ExitCode(code).name.lower().replace('_', ' ')}"


@contextmanager
def _importable(root: Path) -> Iterator[None]:
    """This course and its `starter` come first; test files read anew (an edit of one counts too)."""
    stem = re.compile(r"(tests\.)?(conftest|test_lab\w+)$")
    for name in [
        name for name in sys.modules if stem.match(name) and _below(sys.modules[name], root / "tests")
    ]:
        del sys.modules[name]
    before = os.environ.get("LABS_ROOT")
    os.environ["LABS_ROOT"] = str(root)
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))
        if before is None:
            del os.environ["LABS_ROOT"]
        else:
            os.environ["LABS_ROOT"] = before


@contextmanager
def _without_log_lines() -> Iterator[None]:
    """No log line of a library below an error: some checks do what a library warns of, on purpose."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


def _below(module: object, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).is_relative_to(folder)


class _Collector:
    """A pytest plugin that keeps the wanted tests and turns each failure into words."""

    def __init__(self, outcomes: dict[str, Outcome]):
        self.outcomes = outcomes
        self.broken = ""
        self._ids: dict[str, str] = {}
        self._words: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list) -> None:
        from .testing import item_id_of

        items[:] = [item for item in items if item_id_of(item) in self.outcomes]
        self._ids = {item.nodeid: item_id_of(item) for item in items}

    def pytest_collectreport(self, report) -> None:
        if report.failed and not self.broken:
            lines = [line for line in report.longreprtext.strip().splitlines() if line.startswith("E ")]
            self.broken = lines[-1][1:].strip() if lines else "an error in the test file"

    def pytest_runtest_makereport(self, item, call) -> None:
        if call.excinfo is not None:
            self._words[item.nodeid] = _words(call.excinfo.value)

    def pytest_runtest_logreport(self, report) -> None:
        outcome = self.outcomes[self._ids[report.nodeid]]
        if report.when == "call" or (report.when == "setup" and not report.passed):
            outcome.total += 1
        elif report.passed:
            return
        if not report.passed:
            words = self._words.get(report.nodeid, "it was skipped")
            outcome.problems.append(Problem(_sentence(report.nodeid), words, report.capstdout.strip()))


def _sentence(nodeid: str) -> str:
    """ "ties go to the earliest answer" from "tests/…::test_ties_go_to_the_earliest_answer"."""
    name, bracket, case = nodeid.split("::")[-1].partition("[")
    return name.removeprefix("test_").replace("_", " ") + (f" ({case[:-1]})" if bracket else "")


def _words(error: BaseException) -> str:
    """What to tell the student about an exception that ended a check."""
    from .student import StudentError

    if isinstance(error, StudentError):
        if error.student_type == "NotImplementedError" and error.student_message.startswith("TODO"):
            return f"not written yet: {error.student_message}"
        return str(error)
    if isinstance(error, AssertionError):
        said = str(error).split("\nassert ")[0].strip()  # pytest adds its own reading of a bare assert
        return said or "the result is not the expected one"
    missed = re.match(r"DID NOT RAISE (?:any of )?(.*)", str(error))
    if missed:
        kinds = re.findall(r"'(?:\w+\.)*(\w+)'", missed[1]) or re.findall(r"(\w+)", missed[1])
        return f"your function should raise {' or '.join(kinds)} here, and did not"
    if isinstance(error, KeyError):  # the checks take what a function gave apart by its names
        return f"what your function gave has no {error}: its names stand under Returns in the docstring"
    if isinstance(error, (AttributeError, IndexError, TypeError)):
        return f"what your function gave isn't of the kind that Returns asks for ({error})"
    return f"the check itself stopped with {type(error).__name__}: {error}"


def _show(text: str, good: bool) -> None:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "kernel"):
        print(text)
        return
    from IPython.display import HTML, display

    edge = "#009E73" if good else "#D55E00"
    style = f"border-left: 4px solid {edge}; padding: 0.4em 0.8em; white-space: pre-wrap"
    plain = HTML(f'<pre style="{style}">{html.escape(text)}</pre>')
    display({"text/html": plain.data, "text/plain": text}, raw=True)
