"""A results.json of Lab 4 as grading leaves it, with a row of every kind, for tests of report and results."""

from __future__ import annotations

from pathlib import Path

from grading.results import Ledger, Results, Row, RowData, RunData
from labkit.course import load_course

HINT = "Ties went to the answer with the largest value. Of tied answers the one that occurs first wins."
CHECKS = ("none is not a vote", "ties go to the earliest answer", "the answers are left unchanged")


def run_data(**changes) -> RunData:
    facts = {
        "lab": "lab4",
        "package": "lab4_best_of_n",
        "title": "Sampling more, choosing better",
        "release": "2026.11",
        "submission": "submission_lab4.zip",
        "submission_sha256": "5f" * 32,
        "backend": "bubblewrap",
        "started": "2026-11-21T04:00:00+00:00",
    }
    return RunData(**(facts | changes))


def promised_rows() -> list[Row]:
    """Two checks for each TODO of Lab 4, its values and its written questions."""
    lab = load_course().lab("lab4")
    rows = []
    for todo in lab.todos:
        for number, expected in enumerate(CHECKS[:2]):
            data = RowData(
                kind="module",
                state="not_run",
                test=f"{todo.id}-{number}",
                todo=todo.id,
                title=todo.title,
                file=todo.file,
                function=todo.function,
                section=todo.section,
                expected=expected,
            )
            name = f"{todo.id} {todo.function}: {expected}"
            rows.append(_row(todo.id, name, todo.points / 2, data))
    for value in lab.values:
        data = RowData(
            kind="value",
            state="not_run",
            test=value.id,
            todo=value.id,
            title=value.title,
            expected=value.title,
        )
        rows.append(_row(value.id, f"{value.id} {value.title}", value.points, data))
    for question in lab.written:
        data = RowData(
            kind="written",
            state="waiting",
            test=question.id,
            todo=question.id,
            title=question.title,
            points=question.points,
        )
        rows.append(_row(question.id, f"{question.id} {question.title}", None, data))
    return rows


def _row(number: str, name: str, points: float | None, data: RowData) -> Row:
    status = None if points is None else "failed"
    score = None if points is None else 0.0
    return Row(number=number, name=name, score=score, max_score=points, status=status, extra_data=data)


def half_done(folder: Path, written: str = "I expected +10 pp and saw +8.") -> Results:
    """4.1 to 4.6 right, 4.7 half right, 4.9 untouched, the rest in every other state."""
    ledger = Ledger(folder / "results.json", run_data(notes=["ignored: __MACOSX/x"]), promised_rows())
    others = {"4.10": "error", "4.11": "timeout", "4.12": "memory", "4.13": "crashed", "4.14": "syntax"}
    others |= {"4.15": "forbidden", "4.16": "missing", "4.9": "todo"}
    for row in promised_rows():
        data = row.extra_data
        if data.kind == "written":
            ledger.record(data.test, "waiting", None, written)
        elif data.todo in ("4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.V1") or data.test == "4.7-0":
            ledger.record(data.test, "passed", row.max_score, "", 0.2)
        elif data.todo in others:
            state = others[data.todo]
            ledger.record(data.test, state, 0.0, f"{data.function}: {state} in plain words", 0.1)
        else:
            ledger.record(data.test, "failed", 0.0, HINT, 0.1)
    return ledger.finish("A good start: 7 of 17 TODOs pass every check.")
