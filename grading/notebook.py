"""Runs a submission's notebook in a sandbox and hands back what its answer cells claim.

    with NotebookRun(merge(staff, student, lab), lab, records, tree, backend="bubblewrap") as run:
        run.claim("4.V1")                   # Claim(state="ok", value=0.25, check=True)

Set-up, answer and visible test cells run in the staff's order; the cell tagged `inject` is replaced by one
that loads the `records` made for this submission. nbclient and kernel are both inside the sandbox, over ipc
(`notebook_runner.py`). The kernel belongs to the student's code, so what comes back is a claim, checked for
form only: the hidden tests compute the truth from the same records and compare.

Left out: the verdict, and the outputs.
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from grading import codec, sandbox
from grading.client import WorkerCrashed, WorkerFailure, WorkerOutOfMemory, WorkerTimeout
from grading.confine import Limits
from grading.notebook_merge import Merged
from grading.results import clean_text
from grading.stage import staff_root
from grading.watch import Watch
from labkit.course import Lab
from labkit.student import student_error

MAX_CLAIMS = 4 * 2**20
LIMITS = Limits(cpu_seconds=120, memory_mib=2048)  # of a kernel; wall time of cells and run: 5 times CPU
CELL_SECONDS = 10  # CPU; the slowest reference answer takes 0.3
SETUP_SECONDS = 40  # CPU; imports of torch and transformers take 6
VALUE_LIMITS = codec.Limits(header_bytes=150_000, body_bytes=150_000, elements=10_000, depth=8)


@dataclass(frozen=True)
class Claim:
    """What the notebook says of one value. state: ok, todo, error, missing, timeout or crashed.

    error: (type, file, line) of the student's exception. check: the visible test cell passed (None: not run).
    """

    state: str
    value: Any = None
    error: tuple[str, str, int] | None = None
    check: bool | None = None
    message: str = ""


class _Said(BaseModel):
    """One claim as the runner wrote it; anything else in the file is refused."""

    model_config = ConfigDict(strict=True, extra="ignore")
    state: str
    error: list[Any] | None = None
    frame: str | None = None


@dataclass(frozen=True)
class _Claims:
    setup: _Said = field(default_factory=lambda: _Said(state="crashed"))
    answers: Mapping[str, _Said] = field(default_factory=dict)
    tests: Mapping[str, _Said] = field(default_factory=dict)

    @classmethod
    def of(cls, file: Any) -> _Claims:
        """The claims in the runner's file, each checked by itself: a malformed one costs its own value."""
        file = file if isinstance(file, dict) else {}
        answers, tests = (file.get(part) for part in ("answers", "tests"))
        each = [
            {str(name): _said(claim) for name, claim in part.items()} if isinstance(part, dict) else {}
            for part in (answers, tests)
        ]
        return cls(_said(file.get("setup")), *each)


def _said(claim: Any) -> _Said:
    try:
        return _Said.model_validate(claim)
    except ValidationError:
        return _Said(state="crashed")


class NotebookRun:
    """One run of merged cells, started at once and waited for at the first question; a context manager.

    tree: a clean tree with the submission's starter/. records: what the hidden tests' make_records(rng) made;
    the kernel's variable `records`. The kernel finds labkit and the data of the lab, too. private: see Box.
    """

    def __init__(
        self,
        merged: Merged,
        lab: Lab,
        records: list[dict],
        tree: Path,
        *,
        backend: str = "auto",
        limits: Limits = LIMITS,
        private: tuple[Path, ...] = (),
        seconds: float | None = None,
        cell_seconds: float = CELL_SECONDS,
    ):
        """Starts the run. Raises SandboxError: the backend can't be used.

        seconds: of wall time for the whole run; None: that of `limits`. cell_seconds: of CPU for one answer.
        """
        self.merged = merged
        self._claims: _Claims | None = None
        self._seconds = cell_seconds
        here = Path(__file__).parent
        root = staff_root()
        course = ("labkit", "course.yaml", "data/models", f"data/{lab.package}")
        places = {
            "staff/notebook_runner.py": here / "notebook_runner.py",
            "staff/codec.py": here / "codec.py",
            "submission/starter": tree / "starter",
            **{f"course/{name}": root / name for name in course if (root / name).exists()},
        }
        self._box = sandbox.Box(
            backend,
            read_only=places,
            writable=("work",),
            limits=limits,
            private=private,
        )
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed in __exit__)
        try:
            self._process = self._start(records)
        except BaseException:
            self._box.close()
            raise
        # what was written before the deadline counts
        self._watch = Watch(self._box, self._process, limits.wall_seconds if seconds is None else seconds)

    def __enter__(self) -> NotebookRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the run, if it still runs, and removes its files."""
        self._watch.close()
        self._box.close()
        self._log.close()

    def log(self, limit: int = 2000) -> str:
        """The end of what runner and kernel wrote to stderr, for staff who look for a defect."""
        self._log.seek(0, 2)
        self._log.seek(max(0, self._log.tell() - limit))
        return clean_text(self._log.read().decode(errors="replace"))

    @property
    def backend(self) -> str:
        """The sandbox that runs it."""
        return self._box.backend

    def _start(self, records: list[dict]) -> subprocess.Popen:
        box, work = self._box, self._box.host_path("work")
        file = box.path("work/records.json")
        inject = f"import json\nwith open({file!r}) as _file:\n    records = json.load(_file)"
        cells = [
            {**cell, "source": inject} if cell["id"] == "records" else cell for cell in self.merged.cells
        ]
        job = {
            "cells": cells,
            "path": [*map(str, sandbox.site_packages()), box.path("course"), box.path("submission")],
            "codec": box.path("staff/codec.py"),
            "cwd": box.path("course"),
            "seconds": self._seconds,
            "setup_seconds": SETUP_SECONDS,
            "wall_factor": box.limits.wall_factor,
        }
        (work / "records.json").write_text(json.dumps(records, allow_nan=False), encoding="utf-8")
        (work / "job.json").write_text(json.dumps(job), encoding="utf-8")
        runner = box.path("staff/notebook_runner.py")
        files = [box.path("work/job.json"), box.path("work/claims.json")]
        command = [box.python, "-I", "-S", runner, *files]
        return box.popen(command, environment={"LABS_ROOT": box.path("course")}, stderr=self._log)

    def claim(self, value_id: str) -> Claim:
        """What the notebook says of one value; waits for the end of the run."""
        claims = self._finish()
        if value_id in self.merged.missing:
            return Claim("missing", message=self.merged.missing[value_id])
        if claims.setup.state != "ok":
            return _claim_of(claims.setup, None, "the set-up cell")
        said = claims.answers.get(value_id)
        if said is None:
            return Claim("crashed", message="The notebook's run ended before this cell")
        return _claim_of(said, claims.tests.get(value_id), f"cell {value_id}")

    def _finish(self) -> _Claims:
        if self._claims is None:
            self._watch.wait()
            self._box.kill_all()
            self._claims = self._read()
        return self._claims

    def _read(self) -> _Claims:
        try:
            return _Claims.of(json.loads(self._box.read_back("work/claims.json", MAX_CLAIMS)))
        except (sandbox.SandboxError, ValueError, RecursionError):
            return _Claims()  # nothing usable: every value is missing


class NoAnswer(WorkerFailure):
    """The notebook holds no answer for this value. The text is for the student."""

    state = "missing"


class NeedsTodo(WorkerFailure):
    """An answer cell calls a function that is still a stub. The text is for the student."""

    state = "todo"


class NotebookAnswers:
    """The `notebook` of a hidden test: `records`, and `value("4.V1")` as the submission claims it."""

    def __init__(self, run: NotebookRun | None, merged: Merged, lab: Lab, records: list[dict]):
        """run: None when there is no answer to run."""
        self.records, self._run, self._merged = records, run, merged
        self._variables = {value.id: value.variable for value in lab.values}
        self._sources = {cell["id"]: cell["source"] for cell in merged.cells if cell["kind"] == "answer"}

    def value(self, value_id: str) -> Any:
        """A plain value. Raises StudentError: the cell raised; WorkerFailure: no value for another reason."""
        if self._run is None or value_id in self._merged.missing:
            raise NoAnswer(self._merged.missing.get(value_id, f"there is no answer cell {value_id}"))
        claim = self._run.claim(value_id)
        if claim.state == "ok":
            return claim.value
        if claim.state == "timeout":
            raise WorkerTimeout(claim.message)
        if claim.state == "missing":
            raise NoAnswer(claim.message)
        if claim.error is None:
            raise WorkerCrashed(claim.message)
        raise self._student_error(value_id, *claim.error)

    def _student_error(self, value_id: str, kind: str, file: str, line: int) -> Exception:
        variable = self._variables[value_id]
        if kind == "NotImplementedError" and file == f"cell {value_id}":
            return student_error(kind, file, line, f"TODO {value_id} {variable} is not done yet")
        if kind == "NotImplementedError":
            return NeedsTodo(f"cell {value_id} needs line {line} of {file}, which is not done yet")
        if kind == "MemoryError":
            return WorkerOutOfMemory(f"cell {value_id} used more memory than it may")
        if kind == "NameError" and file == f"cell {value_id}" and line == 0:
            return NoAnswer(f"cell {value_id} ran, but there is no variable {variable} after it")
        if file == "value":
            return NoAnswer(f"{variable} is a {kind} or holds one; a number or a list of numbers is expected")
        lines = self._sources[value_id].splitlines() if file == f"cell {value_id}" else []
        own_line = lines[line - 1].strip()[:160] if 0 < line <= len(lines) else ""
        return student_error(kind, file, line, own_line)


def _claim_of(said: _Said, test: _Said | None, where: str) -> Claim:
    """A checked claim: the value decoded under small limits, the error reduced to type, file and line."""
    check = None if test is None else test.state == "ok"
    if said.state == "timeout":
        return Claim("timeout", check=check, message=f"{where} took longer than allowed and was stopped")
    if said.state == "error":
        kind, file, line = error = _error_of(said.error)
        if kind == "NotImplementedError":
            return Claim("todo", error=error, check=check)
        return Claim("error", error=error, check=check)
    if said.state != "ok":
        return Claim("crashed", check=check, message=f"Python ended while it ran {where}")
    if said.frame is None:
        return Claim("missing", check=check, message=f"{where} left no value")
    try:
        value = codec.loads(base64.b64decode(said.frame, validate=True), VALUE_LIMITS)
    except (codec.CodecError, ValueError) as error:
        return Claim(
            "error", error=("ValueError", where, 0), check=check, message=clean_text(str(error), 200)
        )
    return Claim("ok", value=value, check=check)


def _error_of(said: list[Any] | None) -> tuple[str, str, int]:
    """(type, file, line), whatever was claimed: a name, a short file name, a small number."""
    kind, file, line = said if said is not None and len(said) == 3 else ("Exception", "", 0)
    kind = kind if isinstance(kind, str) and kind.isidentifier() and len(kind) <= 60 else "Exception"
    file = clean_text(file, 60) if isinstance(file, str) else ""
    return kind, file, line if type(line) is int and 0 <= line < 100_000 else 0
