"""`make demo`: from the sources to four graded submissions of every lab, on an empty machine, in minutes.

    demo(Path("out/demo"))        # True when every result is what it must be

1. builds the students' release into OUT/student.zip;
2. grades four submissions of each lab by their modules (`grading/samples.py` says what they are);
3. executes the first lab's notebook with the solutions in it, as a lecturer would;
4. prints a table, and where each results.json and report lies.

The demo checks itself: the reference must have all points, the untouched starter none, the half-done one
exactly those of its TODOs, and no TODO of the wrong one may pass every check. Left out: the notebooks of the
submissions (`grading run` grades them), and other labs' notebooks (`grading verify`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grading.grade import grade
from grading.results import Results, load
from grading.samples import KINDS, half_of, pack
from grading.stage import staff_root
from labkit.course import Lab, load_course

ABOUT = {
    "reference": "the solutions",
    "untouched": "the starter, as released",
    "half": "every second TODO done",
    "wrong": "every function runs and is wrong",
}


@dataclass(frozen=True)
class Graded:
    """One submission of the demo: what was expected of it, and what came out."""

    lab: str
    kind: str
    results: Path
    problem: str  # "" when the result is as it must be
    points: float
    possible: float
    passed: int
    todos: int
    seconds: float
    backend: str


def demo(out: Path = Path("out/demo")) -> bool:
    """Run all of it; returns whether everything came out as it must."""
    out = Path(out)
    console = Console()
    course = load_course(staff_root())
    started = time.monotonic()
    console.print(f"[bold]{course.title}[/bold]: {len(course.labs)} lab(s)")
    release_problem = _release(out, console)
    with ThreadPoolExecutor(1) as aside:  # the notebook trains while the submissions are graded
        notebook = aside.submit(_notebook, course.labs[0])
        rows = []
        for lab in course.labs:
            for row in grade_four(lab, out / lab.key):
                console.print(f"  graded {row.lab} {row.kind} ({ABOUT[row.kind]}): {row.points:g} points")
                rows.append(row)
        console.print(f"  executing {course.labs[0].notebook} with the solutions …")
        notebook_line, notebook_problem = notebook.result()
    console.print(table(rows))
    for row in rows:
        console.print(f"{row.results}\n{row.results.with_name('report.html')}", soft_wrap=True)
    console.print(notebook_line)
    problems = [f"{row.lab} {row.kind}: {row.problem}" for row in rows if row.problem]
    problems += [problem for problem in (release_problem, notebook_problem) if problem]
    for problem in problems:
        console.print(f"[red]not as it must be[/red]: {problem}")
    seconds = time.monotonic() - started
    console.print(
        f"{'all as it must be' if not problems else f'{len(problems)} problem(s)'}, {seconds:.0f} s"
    )
    return not problems


def _release(out: Path, console: Console) -> str:
    from grading.markers import SourceError
    from grading.release import release
    from labkit.errors import LabError

    try:
        made = release(out / "student.zip")
    except (SourceError, LabError) as error:
        return f"the release: {error}"
    console.print(f"  release {made.path}: {made.files} files, {made.size / 1e6:.1f} MB, no leak found")
    return ""


def _notebook(lab: Lab) -> tuple[str, str]:
    """(what to print, problem) of the solved notebook."""
    from grading.verify import run_notebook
    from labkit.errors import LabError

    try:
        seconds, effects = run_notebook(lab, staff_root())
    except LabError as error:
        return f"{lab.notebook} with the solutions: failed", f"{lab.notebook}: {error}"
    measured = ", ".join(f"{name} {value:.3g}" for name, value in effects.items())
    return f"{lab.notebook} with the solutions: ran in {seconds:.0f} s; {measured}", ""


def grade_four(lab: Lab, out: Path) -> Iterator[Graded]:
    """The four submissions of one lab, graded by their modules, each in a process of its own."""
    for kind in KINDS:
        submission = pack(kind, lab, out / f"{kind}.zip")
        started = time.monotonic()
        process = get_context("spawn").Process(target=_grade, args=(submission, lab.key, out / kind))
        process.start()  # pytest, run again in one process, would keep the modules of the last run
        process.join()
        seconds = time.monotonic() - started
        results = load(out / kind / "results.json")
        yield judged(lab, kind, out / kind / "results.json", results, seconds, process.exitcode)


def _grade(submission: Path, lab: str, out: Path) -> None:
    grade(submission, lab, out, notebook=False, own_code=True)


def judged(lab: Lab, kind: str, path: Path, results: Results, seconds: float, code: int = 0) -> Graded:
    """Whether a result is what this kind of submission must get."""
    states: dict[str, set[str]] = {}
    for row in results.tests:
        if row.extra_data.kind == "module":
            states.setdefault(row.extra_data.todo, set()).add(row.extra_data.state)
    passed = sum(found == {"passed"} for found in states.values())
    total = sum(todo.points for todo in lab.todos)
    done = sum(todo.points for todo in lab.todos if todo.id in half_of(lab))
    expected = {"reference": total, "untouched": 0.0, "half": done}.get(kind)
    problem = ""
    if code or not results.extra_data.complete:
        problem = f"the grader failed: {results.extra_data.staff or f'exit code {code}'}"
    elif expected is not None and abs(results.score - expected) > 1e-6:
        problem = f"{results.score:g} points, not {expected:g}"
    elif kind == "wrong" and passed:
        problem = f"{passed} TODOs pass every check"
    return Graded(
        lab=lab.key,
        kind=kind,
        results=path,
        problem=problem,
        points=results.score,
        possible=results.possible(),
        passed=passed,
        todos=len(states),
        seconds=seconds,
        backend=results.extra_data.backend or "none",
    )


def table(rows: list[Graded]) -> Table:
    """The results as a table for the terminal."""
    made = Table(title="Graded by modules")
    for name in ("lab", "submission", "points", "TODOs", "seconds", "sandbox", "as it must be"):
        made.add_column(
            name, justify="right" if name in ("points", "TODOs", "seconds") else "left", no_wrap=True
        )
    for row in rows:
        made.add_row(
            row.lab,
            row.kind,
            f"{row.points:g}/{row.possible:g}",
            f"{row.passed}/{row.todos}",
            f"{row.seconds:.0f}",
            row.backend,
            "[green]yes[/green]" if not row.problem else "[red]no[/red]",
        )
    return made
