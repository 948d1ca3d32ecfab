"""Runs a lab's hidden tests in this, the trusted process, with the student's functions behind a worker.

    outcomes = run_hidden_tests(
        file, worker=worker, taken=taken, secret=secret, on_outcome=ledger_row, notebook=answers
    )
    Outcome(test="test_ties_go_to_the_earliest_answer", item="4.7", points=2.0, earned=0.0,
            state="failed", message="the latest of the tied answers won", seconds=0.14)

The test files are the authors' and look like the visible ones; `labkit.testing` gives them their fixtures and
asserts, and this plugin puts the worker behind `lab`, the notebook's values behind `notebook`, and turns
whatever happens into one Outcome per test, handed to `on_outcome` as soon as it is known. pytest finds no
conftest, no ini file, no plugin and no cache of anybody: the submission is nowhere near its rootdir. A
message holds the author's hint, or the type and the own line of the student's error; never a value that was
expected and never a traceback.

Inputs are seeded by HMAC(secret, submission, test). Not covered: which rows there are to be (`grade.py`
promises them before pytest starts) and what a report looks like.
"""

import contextlib
import hashlib
import hmac
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

import labkit.testing
from grading.client import Worker, WorkerFailure
from grading.intake import Finding, Intake
from grading.sandbox import SandboxError
from labkit.errors import LabError
from labkit.student import StudentError

SAID_NOTHING = "the check failed; its name says what a finished function does"
UNREADABLE = (
    "the check could not work with what your function returned; compare its type and shape with the docstring"
)


class GraderError(RuntimeError):
    """The hidden tests themselves can't run: a staff matter."""


class Notebook(Protocol):
    """What `notebook` is in a test: the records of this submission, and the value of each answer cell."""

    records: list[dict]

    def value(self, value_id: str) -> Any: ...


@dataclass(frozen=True)
class Outcome:
    """What one hidden test came to. state: one of `results.State`; only "passed" earns the points."""

    test: str
    item: str
    points: float
    state: str
    message: str
    seconds: float

    @property
    def earned(self) -> float:
        return self.points if self.state == "passed" else 0.0


def seed_of(secret: bytes, submission_sha256: str, test: str) -> int:
    """The seed of one test's inputs, in [0, 2^63): another secret, submission or test gives another one."""
    message = f"{submission_sha256}\0{test}".encode()
    return int.from_bytes(hmac.digest(secret, message, hashlib.sha256)[:8], "big") >> 1


def run_hidden_tests(
    file: Path,
    *,
    worker: Worker,
    taken: Intake,
    secret: bytes,
    on_outcome: Callable[[Outcome], None],
    notebook: Notebook | None = None,
    only: Callable[[str, str], bool] = lambda item, test: True,
) -> list[Outcome]:
    """Runs the tests of `file` and returns their outcomes in order; `on_outcome` gets each when it is known.

    notebook: the notebook's values, or None to leave the tests marked `value` out.
    only: which tests to run, by item id ("4.7", "4.V1") and name.
    Raises GraderError: pytest could not collect or run the file.
    """
    plugin = _Plugin(worker, taken, secret, on_outcome, notebook, only)
    words = [str(file), "--rootdir", str(file.parent), "-c", os.devnull, "--noconftest", "--assert=plain"]
    for name in ("cacheprovider", "terminal", "logging", "faulthandler"):
        words += ["-p", f"no:{name}"]
    labkit.testing.hide_expected(True)
    said = io.StringIO()
    try:
        with without_plugins(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = pytest.main(words, plugins=[labkit.testing, plugin])
    finally:
        labkit.testing.hide_expected(False)
    ran = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
    if plugin.broken or status not in ran:
        raise GraderError(f"{file.name} can't run: {plugin.broken or said.getvalue()[-500:] or status}")
    return plugin.outcomes


@contextlib.contextmanager
def without_plugins() -> Iterator[None]:
    """Without what happens to be installed or set: hypothesis, xdist, PYTEST_ADDOPTS."""
    names = ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_ADDOPTS", "PYTEST_PLUGINS")
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class CannotCount(Exception):
    """A TODO whose file is missing, can't be read by Python, or imports what would be the answer."""


class _Plugin:
    def __init__(
        self,
        worker: Worker,
        taken: Intake,
        secret: bytes,
        on_outcome: Callable[[Outcome], None],
        notebook: Notebook | None,
        only: Callable[[str, str], bool],
    ):
        self.worker, self.taken, self.secret = worker, taken, secret
        self.on_outcome, self.notebook, self.only = on_outcome, notebook, only
        self.outcomes: list[Outcome] = []
        self.broken = ""
        self._parts: dict[str, tuple[str, str, float]] = {}  # test → state, message, seconds so far

    # --- what the tests get

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[labkit.testing.LAB_FACTORY] = self._lab
        config.stash[labkit.testing.NOTEBOOK_FACTORY] = lambda request: self.notebook

    def _lab(self, request: pytest.FixtureRequest) -> contextlib.AbstractContextManager:
        test = request.node.name
        return self.worker.lab(test, seed_of(self.secret, self.taken.sha256, test))

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        wanted = [item for item in items if self._wanted(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = wanted

    def _wanted(self, item: pytest.Item) -> bool:
        name = labkit.testing.item_id_of(item)
        if name is None or not self.only(name, item.name):
            return False
        return self.notebook is not None or item.get_closest_marker("value") is None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken = str(report.longrepr)[-500:]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        finding = self.taken.findings.get(labkit.testing.item_id_of(item) or "")
        if finding is not None and finding.certain:
            raise CannotCount(finding.words)

    # --- what came of them

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
        yield
        state, message, seconds = self._parts.get(item.name, ("passed", "", 0.0))
        if call.excinfo is not None and state == "passed":
            state, message = self._judge(item, call.excinfo.value)
        self._parts[item.name] = state, message, seconds + call.duration
        if call.when == "teardown":
            self._finish(item)

    def _finish(self, item: pytest.Item) -> None:
        state, message, seconds = self._parts.pop(item.name)
        marker = item.get_closest_marker("todo") or item.get_closest_marker("value")
        outcome = Outcome(
            item.name, str(marker.args[0]), float(marker.kwargs["points"]), state, message, round(seconds, 3)
        )
        self.outcomes.append(outcome)
        self.on_outcome(outcome)

    def _judge(self, item: pytest.Item, error: BaseException) -> tuple[str, str]:
        """State and message of a test that ended with `error`."""
        finding = self.taken.findings.get(labkit.testing.item_id_of(item) or "")
        if isinstance(error, CannotCount):
            return finding.state, finding.words
        if isinstance(error, WorkerFailure):
            return error.state, f"{error}."
        if isinstance(error, StudentError):
            return self._student_error(error, finding)
        if isinstance(error, (SandboxError, LabError)):
            return "staff", f"the grader itself failed here; tell your instructor ({type(error).__name__})"
        if isinstance(error, pytest.skip.Exception):
            return "skipped", "the check was skipped; a skipped check counts as failed"
        if isinstance(error, pytest.fail.Exception):
            raised_nothing = str(error).startswith("DID NOT RAISE")
            return "failed", "an error should have been raised here" if raised_nothing else str(error)
        if isinstance(error, AssertionError):
            return "failed", str(error) or SAID_NOTHING
        if isinstance(error, Exception):
            return "failed", UNREADABLE
        raise error  # the person at the keyboard, or the machine, ends the grading

    def _student_error(self, error: StudentError, finding: Finding | None) -> tuple[str, str]:
        if error.student_type == "NotImplementedError" and error.student_message.startswith("TODO "):
            return "todo", f"{error.student_message}: it still raises NotImplementedError."
        if finding is not None:
            return finding.state, finding.words
        if error.student_type == "ForbiddenImport":  # as forbidden.py calls it
            place = f"line {error.student_line} of {error.student_file}"
            return "forbidden", f"{place} imports a library that this TODO is to be written without."
        return "error", f"{error}.{self._own_line(error)}"

    def _own_line(self, error: StudentError) -> str:
        """The line of the student's own file, as the clean tree has it."""
        path = self.taken.tree / "starter" / self.worker.info.package / error.student_file
        if not error.student_file or not path.is_file():
            return ""
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if not 0 < error.student_line <= len(lines):
            return ""
        return f"\n{error.student_line:>5} | {lines[error.student_line - 1].strip()[:160]}"
