"""Grades one submission: intake, sandboxed worker, hidden tests, notebook, results.json, report.

    results = grade(Path("submission_lab4.zip"), "lab4", Path("out"))
    results.score, results.possible()                  # 62.0, 85.0

`out/results.json` holds every row with zero before any code of the submission runs, and is replaced
atomically as checks finish; `out/report.html` and `out/results.csv` are made from it. What a submission does
costs its own checks; a failure of ours, whatever it is, is said in the results, and then raised as
`GradingFailed`.

How to run: `grading run SUBMISSION --lab lab4 --out DIR`. Left out: a class of submissions; people's points.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import secrets
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from grading import intake, promise, report, sandbox
from grading.client import Worker
from grading.confine import Limits
from grading.notebook import LIMITS as NOTEBOOK_LIMITS
from grading.notebook import NotebookAnswers, NotebookRun
from grading.notebook_merge import Merged, merge
from grading.plugin import GraderError, Outcome, run_hidden_tests, seed_of
from grading.results import Ledger, Results, Row, RowData, RunData
from grading.scratch import scratch
from grading.stage import staff_root
from labkit.course import Lab, load_course
from labkit.errors import LabError

STAFF_NOTE = (
    "The grader itself failed here. That is not your mistake; your instructor sees this and will look."
)


class GradingFailed(RuntimeError):
    """Our own failure. results.json is complete and valid all the same, and `results` holds it."""

    def __init__(self, message: str, results: Results):
        super().__init__(message)
        self.results = results


@dataclass
class _Clock:
    """Wall seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - started, 2)


def grade(
    submission: Path,
    lab: str,
    out: Path,
    *,
    backend: str = "auto",
    notebook: bool = True,
    secret: bytes | None = None,
    limits: Limits | None = None,
    own_code: bool = False,
    gradescope: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Results:
    """Grade a zip or folder; write results.json, report.html and results.csv into `out`.

    Args:
        lab: "lab4", "4" or the package's name. backend: "auto" or one of `sandbox.BACKENDS`.
        notebook: False grades the modules alone; rows of values and written answers are then left out.
        secret: seeds the inputs; None = `load_secret()`. limits: of one test.
        own_code: the submission is the caller's own, so that "auto" may end at the `limits` backend.
        gradescope: facts of submission_metadata.json to record. notes: sentences for the student.

    Raises LabError: no such submission or lab, no usable sandbox (nothing is written). GradingFailed: a
    failure of ours, after results.json was written.
    """
    submission, out = Path(submission), Path(out)
    info = load_course(staff_root()).lab(lab)
    intake.check_kind(submission)
    try:
        chosen = sandbox.choose(backend, own_code=own_code)
    except sandbox.SandboxError as error:
        raise LabError("a sandbox for the submission", str(error)) from None
    run = first_facts(info, submission.name, gradescope)
    ledger = Ledger(out / "results.json", run, promise.item_rows(info, notebook))
    ledger.update(backend=chosen)
    grading = _Grading(info, ledger, chosen, notebook, secret or load_secret(), limits)
    grading.private = (*grading.private, out, submission)
    grading.notes += notes
    trouble = grading.run(submission)
    results = grading.finish(trouble)
    try:
        report.write(out / "results.json")
    except Exception as error:
        trouble = "; ".join(filter(None, [trouble, f"the report: {_defect(error)}"]))
    if trouble:
        raise GradingFailed(trouble, results)
    return results


def first_facts(lab: Lab, submission: str, gradescope: Mapping[str, Any] | None = None) -> RunData:
    """What is known of a run before it starts."""
    return RunData(
        lab=lab.key,
        package=lab.package,
        title=lab.title,
        release=load_course(staff_root()).release,
        submission=submission,
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        gradescope=dict(gradescope) if gradescope is not None else None,
    )


def _defect(error: Exception) -> str:
    """What staff read of an error: its own words where it is one of ours, else type and place, too."""
    if isinstance(error, (GraderError, sandbox.SandboxError, LabError)):
        return f"{type(error).__name__}: {error}"
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f", {Path(frame.filename).name}:{frame.lineno}" for frame in place)
    return f"a defect of the grader: {type(error).__name__}: {error}{where}"


class _Grading:
    """One run; `ledger` is what a kill at any moment leaves behind."""

    def __init__(
        self, lab: Lab, ledger: Ledger, backend: str, notebook: bool, secret: bytes, limits: Limits | None
    ):
        self.lab, self.ledger, self.backend = lab, ledger, backend
        self.notebook, self.secret, self.limits = notebook, secret, limits
        self.private: tuple[Path, ...] = (staff_root() / "grading", staff_root() / "solutions")
        self.clock = _Clock()
        self.merged: Merged | None = None
        self.notes: list[str] = []
        self.troubles: list[str] = []

    def run(self, submission: Path) -> str:
        """All stages. Returns what failed on our side, for staff; "" when nothing did. Raises nothing."""
        try:
            with scratch("submission-") as folder, self.clock.stage("total"):
                with self.clock.stage("intake"):
                    taken = intake.take(submission, self.lab, folder)
                self._note(taken.notes, submission_sha256=taken.sha256)
                self._run_stages(taken)
        except Exception as error:
            self.troubles.insert(0, _defect(error))
        broken = [test for test, state in self.ledger.states().items() if state == "staff"]
        if broken:
            self.troubles.append(f"hidden tests failed by themselves: {', '.join(broken)}")
        return "; ".join(self.troubles)

    def _run_stages(self, taken: intake.Intake) -> None:
        """The worker warms up, and the notebook runs, while pytest collects and runs the hidden tests."""
        with contextlib.ExitStack() as stack:
            worker = Worker(
                taken.tree, lab=self.lab.key, backend=self.backend, limits=self.limits, private=self.private
            )
            stack.callback(self._clean_up, "worker", worker.close)
            with self.clock.stage("collect"):
                tests, module = promise.collect(promise.hidden_file(self.lab))
                self._promise(tests)
            answers = self._start_notebook(taken, module, stack) if self.notebook else None
            with self.clock.stage("tests"):
                run_hidden_tests(
                    promise.hidden_file(self.lab),
                    worker=worker,
                    taken=taken,
                    secret=self.secret,
                    on_outcome=self._record,
                    notebook=answers,
                )

    def _clean_up(self, what: str, close: Callable[[], None]) -> None:
        """Closes what ran the submission. A failure of it costs no check and hides no earlier one."""
        try:
            close()
        except Exception as error:
            self.troubles.append(f"cleaning up the {what}: {_defect(error)}")

    def _promise(self, tests: list[promise.HiddenTest]) -> None:
        rows = promise.test_rows(self.lab, tests, self.notebook)
        self.ledger = Ledger(self.ledger.path, self.ledger.run, rows)

    def _start_notebook(
        self, taken: intake.Intake, module: ModuleType, stack: contextlib.ExitStack
    ) -> NotebookAnswers:
        staff = (staff_root() / self.lab.notebook).read_bytes()
        theirs = taken.notebook.read_bytes() if taken.notebook is not None else None
        self.merged = merge(staff, theirs, self.lab)
        self._note(self.merged.notes)
        for item, text in self.merged.written.items():
            self.ledger.record(item, "waiting", None, text or "(no answer)")
        make_records = getattr(module, "make_records", None)
        if make_records is None:
            raise GraderError(f"{module.__name__} has no make_records(rng)")
        records = make_records(np.random.default_rng(seed_of(self.secret, taken.sha256, "notebook")))
        run = None
        if any(cell["kind"] == "answer" for cell in self.merged.cells):
            memory = self.limits.memory_mib if self.limits else NOTEBOOK_LIMITS.memory_mib
            run = NotebookRun(
                self.merged,
                self.lab,
                records,
                taken.tree,
                backend=self.backend,
                limits=dataclasses.replace(NOTEBOOK_LIMITS, memory_mib=memory),
                private=self.private,
            )
            stack.callback(self._clean_up, "notebook", run.close)
        return NotebookAnswers(run, self.merged, self.lab, records)

    def _note(self, notes: Sequence[str], **facts: Any) -> None:
        self.notes += notes
        self.ledger.update(notes=self.notes, **facts)

    def _record(self, outcome: Outcome) -> None:
        message = STAFF_NOTE if outcome.state == "staff" else outcome.message
        sentence = message[:1].upper() + message[1:]
        self.ledger.record(outcome.test, outcome.state, outcome.earned, sentence, outcome.seconds)

    def finish(self, trouble: str) -> Results:
        """The last version of the file: notes, timings and the summary that a student reads first."""
        if trouble:
            self.ledger.add(_note_row("A problem of ours", STAFF_NOTE))
        if self.notes:
            text = "\n".join(f"• {note}" for note in self.ledger.run.notes)
            self.ledger.add(_note_row("About the files you handed in", text))
        self.ledger.update(seconds=self.clock.seconds, staff=trouble or None)
        return self.ledger.finish(summary(self.ledger.save(), self.lab))


def _note_row(name: str, text: str) -> Row:
    return Row(number="", name=name, output=text, extra_data=RowData(kind="note", state="note"))


def summary(results: Results, lab: Lab) -> str:
    """Two sentences for the top of the page."""
    states: dict[str, set[str]] = {}
    for row in results.tests:
        if row.extra_data.kind == "module":
            states.setdefault(row.extra_data.todo, set()).add(row.extra_data.state)
    done = sum(found == {"passed"} for found in states.values())
    untouched = sum(found == {"todo"} for found in states.values())
    text = f"{done} of {len(states)} TODOs pass every check"
    text += f", {untouched} are not started yet." if untouched else "."
    written = sum(item.points for item in lab.written)
    if any(row.extra_data.kind == "written" for row in results.tests):
        text += f" A person reads your written answers and gives up to {written:g} points more."
    return text


# ---- the secret that seeds the inputs ----


def secret_file() -> Path:
    """$GRADING_SECRET_FILE, else `post-training-labs/secret` in the user's configuration folder."""
    named = os.environ.get("GRADING_SECRET_FILE")
    if named:
        return Path(named)
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "post-training-labs" / "secret"


def load_secret(path: Path | None = None) -> bytes:
    """$GRADING_SECRET, else the content of `path`, made with mode 0600 when it isn't there.

    The same secret gives a submission the same inputs again. Raises LabError: others may read the file, or
    the secret has fewer than 16 characters.
    """
    text = os.environ.get("GRADING_SECRET") if path is None else None
    path = path or secret_file()
    if text is None:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with contextlib.suppress(FileExistsError):  # another run has just made it
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w") as file:
                    file.write(secrets.token_hex(32))
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise LabError("a secret that only you can read", "others may read it", path, f"chmod 600 {path}")
        text = path.read_text(encoding="utf-8")
    if len(text.strip()) < 16:
        raise LabError("a secret of at least 16 characters", f"{len(text.strip())}", path)
    return text.strip().encode()
