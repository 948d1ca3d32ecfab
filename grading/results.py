"""results.json: Gradescope's specification as a pydantic model, and a file that is valid at every moment.

Example, one row (`results.json` -> `tests[]`; the rest of the file in `Results`):

    {"number": "4.7", "name": "4.7 majority_vote: ties go to the earliest answer", "score": 0.0,
     "max_score": 2.0, "status": "failed", "output": "Ties went to the largest answer.",
     "output_format": "text", "visibility": "visible", "tags": ["4.7"],
     "extra_data": {"kind": "module", "state": "failed", "todo": "4.7", ...}}

How to run: `grading run` writes it; `python -m grading.results` rebuilds the schema, `results.schema.json`.
Source: Gradescope, "Autograder Specifications", section "Output format" (every key we write, and no other).
Leaves out: `leaderboard`. `extra_data` is free-form there; here it is typed, since the report is made from
this file alone.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from labkit.errors import LabError

SCHEMA_FILE = Path(__file__).with_name("results.schema.json")

Visibility = Literal["visible", "hidden", "after_due_date", "after_published"]
Format = Literal["text", "html", "simple_format", "md", "ansi"]
Kind = Literal["module", "value", "written", "note"]
State = Literal[
    "passed",  # the claim was right
    "failed",  # the claim was wrong
    "todo",  # the stub is untouched
    "error",  # the student's code raised
    "syntax",  # the student's file does not compile or import
    "forbidden",  # the student's file imports what would be the answer
    "missing",  # no such file, function, cell or variable
    "timeout",
    "memory",
    "crashed",  # the student's process ended
    "skipped",  # the hidden test was skipped: counts as a failure
    "not_run",  # the row was promised and nothing came
    "staff",  # our own mistake: a person must look
    "waiting",  # a person grades it
    "note",
]

MAX_OUTPUT = 8_000  # characters of one row; Gradescope shows rows in full, and a report must stay readable
MAX_LINE = 300  # of a name or a note
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", re.DOTALL)


def clean_text(text: str, limit: int = MAX_OUTPUT) -> str:
    """Text a stranger wrote, made safe to store and show: no escapes, control or direction characters.

    Args: text; limit: characters at most; the middle is cut out and said so. Markup is left to whoever
    renders. Cleaning twice changes nothing more.
    """
    if len(text) > limit:  # cut first: cleaning a gigabyte is itself an attack
        kept = max(limit - 40, 0)
        first, last = kept * 2 // 3, kept // 3
        cut = len(text) - first - last
        text = f"{text[:first]}\n… {cut} characters cut …\n{text[len(text) - last :]}"
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _CONTROL.sub("\ufffd", text)


def _cleaner(limit: int, lines: bool) -> BeforeValidator:
    def clean(text: Any) -> Any:
        if not isinstance(text, str):
            return text
        cleaned = clean_text(text, limit)
        return cleaned if lines else " ".join(cleaned.split())

    return BeforeValidator(clean)


# Whatever a stranger wrote, in the names of files too, is clean as soon as it is in the model.
Text = Annotated[str, _cleaner(MAX_OUTPUT, lines=True)]
Line = Annotated[str, _cleaner(MAX_LINE, lines=False)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RowData(_Model):
    """What the report needs of one row beyond Gradescope's keys. `kind` says who gives the points."""

    kind: Kind
    state: State
    test: str | None = Field(default=None, description="id of the hidden test, or of the written question")
    todo: str | None = Field(default=None, description="TODO, value or written id in course.yaml")
    grade_id: str | None = Field(
        default=None, description="nbgrader's id of the cell that carries the points"
    )
    title: str | None = None
    file: str | None = Field(default=None, description="the student's file, relative to starter/<package>/")
    function: str | None = None
    section: int | None = Field(default=None, description="section of the notebook")
    expected: str | None = Field(default=None, description="what was expected, in words, never a value")
    points: float | None = Field(default=None, description="points of a written answer, given by a person")
    seconds: float | None = None


class Row(_Model):
    """One of Gradescope's test cases. Written answers and notes have neither score nor max_score."""

    number: str
    name: Line
    score: float | None = Field(default=None, ge=0)
    max_score: float | None = Field(default=None, ge=0)
    status: Literal["passed", "failed"] | None = None
    output: Text = ""
    output_format: Format = "text"
    visibility: Visibility = "visible"
    tags: list[str] = []
    extra_data: RowData

    @model_validator(mode="after")
    def _points_are_whole(self) -> Row:
        if (self.score is None) != (self.max_score is None):
            raise ValueError(f"row {self.name!r}: expected score and max_score together or neither")
        if self.score is not None and self.score > self.max_score:
            raise ValueError(f"row {self.name!r}: score {self.score} is above max_score {self.max_score}")
        if (self.extra_data.kind in ("module", "value")) != (self.score is not None):
            raise ValueError(f"row {self.name!r}: module and value rows carry points, others don't")
        return self


class RunData(_Model):
    """How this result came about; `extra_data` of the whole file."""

    lab: str
    package: str
    title: str
    release: str
    submission: Line = Field(description="name of the submitted zip or folder")
    submission_sha256: str | None = None
    backend: str | None = Field(default=None, description="sandbox that ran the student's code")
    started: str = Field(description="UTC, ISO 8601")
    complete: bool = Field(default=False, description="False until the last row is in")
    seconds: dict[str, float] = Field(default={}, description="wall seconds of each stage")
    notes: list[Line] = Field(default=[], description="what intake and the notebook repair found")
    staff: Text | None = Field(default=None, description="our own failure, for the person who looks")
    gradescope: dict[str, Any] | None = Field(default=None, description="id, created_at, due dates, lateness")


class Results(_Model):
    """The whole file. `score` is the sum of the rows; the model refuses any other number."""

    score: float = Field(ge=0)
    execution_time: float = Field(ge=0, description="seconds")
    output: str = ""
    output_format: Format = "text"
    visibility: Visibility = "visible"
    stdout_visibility: Visibility = "hidden"
    extra_data: RunData
    tests: list[Row]

    @model_validator(mode="after")
    def _score_is_the_sum(self) -> Results:
        if abs(self.score - self.earned()) > 1e-6:
            raise ValueError(f"score {self.score} is not the sum of the rows, {self.earned()}")
        return self

    def earned(self, *kinds: Kind) -> float:
        """Points earned in rows of these kinds (all kinds without an argument)."""
        return _sum(row.score for row in self.tests if not kinds or row.extra_data.kind in kinds)

    def possible(self, *kinds: Kind) -> float:
        """Points a machine can give in rows of these kinds (all kinds without an argument)."""
        return _sum(row.max_score for row in self.tests if not kinds or row.extra_data.kind in kinds)

    def to_json(self) -> str:
        """The text of results.json: keys without a value are left out, as Gradescope's examples do."""
        return self.model_dump_json(exclude_none=True, indent=1) + "\n"


def _sum(points: Any) -> float:
    return round(sum(p for p in points if p is not None), 6)


def load(path: Path) -> Results:
    """Read and check a results.json. Raises LabError: not one of ours, with the key that doesn't fit."""
    try:
        return Results.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise LabError(
            "a results.json of this grader", f"{key}: {first['msg']}", path, "grading run"
        ) from None


def atomic_write(path: Path, text: str) -> None:
    """Write `text` so that a reader, or a kill at any moment, meets the old file or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class Ledger:
    """The rows of one run and their file. Promise every row first, then record each; every step is on disk.

    Example: `ledger = Ledger(out / "results.json", run, rows)` writes the zeros;
    `ledger.record(test, "passed", 2.0, "")` replaces one row; `ledger.finish(summary)` marks it complete.
    """

    NOT_RUN = (
        "This check did not run: grading stopped before it was reached. Submit again; "
        "if it stays so, tell your instructor."
    )

    def __init__(self, path: Path, run: RunData, rows: list[Row], visibility: Visibility = "visible"):
        self.path, self.run, self.summary = path, run, self.NOT_RUN
        self._visibility = visibility
        self._started = time.monotonic()
        self._rows = {row.extra_data.test or row.name: row for row in rows}
        if len(self._rows) != len(rows):
            raise ValueError("two rows with the same test id: each expected test is promised once")
        self.save()

    def record(
        self, test: str, state: State, earned: float | None, message: str, seconds: float | None = None
    ) -> None:
        """Replace the promised row `test`. Raises ValueError for points above its max_score."""
        row = self._rows[test]
        data = row.extra_data.model_copy(
            update={"state": state, "seconds": None if seconds is None else round(seconds, 3)}
        )
        status = None if earned is None else ("passed" if state == "passed" else "failed")
        fields = dict(row) | {
            "score": earned,
            "status": status,
            "output": message,
            "extra_data": data,
        }
        self._rows[test] = Row(**fields)
        self.save()

    def add(self, row: Row) -> None:
        """Append a row that nobody could promise: a note."""
        self._rows[row.extra_data.test or row.name] = row
        self.save()

    def update(self, **facts: Any) -> None:
        """Set fields of the run's `extra_data` (backend, seconds, notes, staff …)."""
        self.run = RunData(**(dict(self.run) | facts))
        self.save()

    def states(self) -> dict[str, State]:
        """The state of every row by test id."""
        return {test: row.extra_data.state for test, row in self._rows.items()}

    def finish(self, summary: str) -> Results:
        """Write the last version with the summary a student reads first; returns it."""
        self.summary = summary
        self.run = RunData(**(dict(self.run) | {"complete": True}))
        return self.save()

    def save(self) -> Results:
        """Write the present state atomically."""
        rows = list(self._rows.values())
        results = Results(
            score=_sum(row.score for row in rows),
            execution_time=round(time.monotonic() - self._started, 2),
            output=self.summary,
            visibility=self._visibility,
            extra_data=self.run,
            tests=rows,
        )
        atomic_write(self.path, results.to_json())
        return results


def schema_text() -> str:
    """The JSON schema of results.json, as committed in `results.schema.json`."""
    return json.dumps(Results.model_json_schema(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    print(f"wrote {SCHEMA_FILE}")
