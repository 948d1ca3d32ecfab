"""The report a student reads, and a table for the gradebook, both from results.json alone.

Example: `write(Path("out/results.json"))` puts `report.html` and `results.csv` beside it. How to run:
`grading report out/results.json`. The page is one file without scripts or outside links; every text in it
that came from a submission is escaped, cut and freed of control characters.

Leaves out: a class at once (later; it would read many results.json).
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

from grading.results import Results, Row, atomic_write, clean_text, load

TEMPLATES = Path(__file__).with_name("templates")
MAX_MESSAGE = 2_000  # characters of one check's message on the page; results.json keeps more
MAX_WRITTEN = 6_000  # characters of a written answer: about 900 words, an answer asks for 150

# What a state means to the person who reads it: (word, style of the badge).
STATES = {
    "passed": ("passed", "good"),
    "failed": ("not yet", "bad"),
    "todo": ("to do", "idle"),
    "error": ("error", "bad"),
    "syntax": ("does not load", "bad"),
    "forbidden": ("import not allowed", "bad"),
    "missing": ("missing", "bad"),
    "timeout": ("too slow", "bad"),
    "memory": ("too much memory", "bad"),
    "crashed": ("crashed", "bad"),
    "skipped": ("did not run", "bad"),
    "not_run": ("did not run", "bad"),
    "staff": ("staff will look", "bad"),
    "waiting": ("read by a person", "idle"),
    "note": ("note", "idle"),
}


@dataclass(frozen=True)
class Check:
    """One row as the page shows it, or several of one TODO that say exactly the same."""

    sentences: tuple[str, ...]
    message: str
    state: str
    earned: float
    possible: float

    def with_(self, other: Check) -> Check:
        """Both as one: what was expected in a list, the message once, the points together."""
        sentences = self.sentences + other.sentences
        earned, possible = self.earned + other.earned, self.possible + other.possible
        return Check(sentences, self.message, self.state, earned, possible)

    @property
    def expected(self) -> str:
        """What was expected, as one line."""
        if self.state == "todo" and len(self.sentences) > 1:
            return f"{len(self.sentences)} checks wait for your code"
        first, *rest = self.sentences
        return " · ".join([first[:1].upper() + first[1:], *rest])

    @property
    def badge(self) -> tuple[str, str]:
        return STATES[self.state]


@dataclass(frozen=True)
class Group:
    """All rows of one TODO, value or written question."""

    id: str
    title: str
    kind: str
    where: str
    next_step: str
    earned: float
    possible: float
    checks: list[Check] = field(default_factory=list)

    @property
    def badge(self) -> tuple[str, str]:
        states = {check.state for check in self.checks}
        if states == {"passed"}:
            return STATES["passed"]
        if len(states) == 1:
            return STATES[states.pop()]
        return ("partly", "part") if self.earned > 0 else ("not yet", "bad")

    @property
    def done(self) -> bool:
        return all(check.state == "passed" for check in self.checks)

    @property
    def percent(self) -> float:
        return 100 * self.earned / self.possible if self.possible else 0.0


def groups(results: Results) -> list[Group]:
    """The rows gathered by TODO, value and written question, in the order of the file; notes left out."""
    gathered: dict[str, list[Row]] = {}
    for row in results.tests:
        if row.extra_data.kind != "note":
            gathered.setdefault(row.extra_data.todo or row.number, []).append(row)
    return [_group(identity, rows, results) for identity, rows in gathered.items()]


def _group(identity: str, rows: list[Row], results: Results) -> Group:
    first = rows[0].extra_data
    section = f"section {first.section} of the notebook" if first.section else "the notebook"
    if first.kind == "module":
        where = f"starter/{results.extra_data.package}/{first.file}, {first.function}; {section}"
        next_step = f"labs check {identity}"
    else:
        where, next_step = f"notebook, cell {identity}", ""
    possible = first.points if first.kind == "written" else _total(row.max_score for row in rows)
    return Group(
        id=clean_text(identity, 40),
        title=clean_text(first.title or identity, 200),
        kind=first.kind,
        where=clean_text(where, 300),
        next_step=clean_text(next_step, 100),
        earned=_total(row.score for row in rows),
        possible=possible or 0.0,
        checks=_checks(rows),
    )


def _checks(rows: list[Row]) -> list[Check]:
    """One check a row; rows that failed with one and the same message become one, so that it is read once."""
    merged: dict[object, Check] = {}
    for index, row in enumerate(rows):
        state = row.extra_data.state
        limit = MAX_WRITTEN if row.extra_data.kind == "written" else MAX_MESSAGE
        message = clean_text(row.output, limit).strip()
        key = (state, message) if message and state != "passed" else index
        expected = clean_text(row.extra_data.expected or row.name, 300)
        new = Check((expected,), message, state, row.score or 0.0, row.max_score or 0.0)
        old = merged.get(key)
        merged[key] = new if old is None else old.with_(new)
    return list(merged.values())


def _total(points) -> float:
    return round(sum(p for p in points if p is not None), 6)


def points(number: float) -> str:
    """2.0 -> "2", 2.5 -> "2.5": points as people write them."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def render_html(results: Results) -> str:
    """The page as text: self-contained, light and dark, for a phone and for paper."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["points"] = points
    everything = groups(results)
    todos = [group for group in everything if group.kind == "module"]
    run = results.extra_data
    return environment.get_template("report.html.j2").render(
        run=run,
        summary=clean_text(results.output, MAX_MESSAGE),
        submission=clean_text(run.submission, 120),
        notes=[clean_text(note, 500) for note in run.notes[:50]],
        earned=results.earned("module", "value"),
        possible=results.possible("module", "value"),
        todos=todos,
        values=[group for group in everything if group.kind == "value"],
        written=[group for group in everything if group.kind == "written"],
        following=next((group for group in todos if not group.done), None),
    )


COLUMNS = [
    "lab",
    "submission",
    "number",
    "todo",
    "kind",
    "name",
    "state",
    "score",
    "max_score",
    "seconds",
    "message",
]


def render_csv(results: Results) -> str:
    """One line a row. A cell that a spreadsheet would take for a formula starts with an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in results.tests:
        data = row.extra_data
        text = [
            results.extra_data.lab,
            results.extra_data.submission,
            row.number,
            data.todo or "",
            data.kind,
            row.name,
            data.state,
        ]
        numbers = ["" if n is None else f"{n:g}" for n in (row.score, row.max_score, data.seconds)]
        message = clean_text(row.output, MAX_MESSAGE)
        writer.writerow([*map(_cell, text), *numbers, _cell(message)])
    return buffer.getvalue()


def _cell(text: str) -> str:
    text = clean_text(text, MAX_MESSAGE)
    return f"'{text}" if text.lstrip()[:1] in tuple("=+-@|%") else text


def write(results_json: Path, out: Path | None = None) -> tuple[Path, Path]:
    """Write report.html and results.csv into `out` (the folder of results.json by default).

    Returns both paths. Raises FileNotFoundError; LabError: the file isn't a results.json of ours.
    """
    results_json = Path(results_json)
    out = results_json.parent if out is None else Path(out)
    results = load(results_json)
    page, table = out / "report.html", out / "results.csv"
    atomic_write(page, render_html(results))
    atomic_write(table, render_csv(results))
    return page, table
