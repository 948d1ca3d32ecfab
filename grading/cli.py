"""`grading`: the staff's commands. Each one hands over to the module that does it.

    grading build | lint | release          make what students get
    grading run SUBMISSION --lab lab4 --out DIR
    grading report | gradescope | nbgrader  what comes out of a run; the packages for other systems
    grading verify | effects | demo | bench show that all of it holds
    grading lecture --lab lab4              JupyterLab on the notebook with the answers in

Exit codes: 0 all well; 1 something was found (a difference, a finding, a check that failed); 2 the call or a
file can't be used, said in one message; 3 a defect of these tools (GRADING_TRACEBACK=1 shows where).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from labkit.errors import LabError

app = typer.Typer(
    help="Build, release, grade and verify the course (staff).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
LabOption = Annotated[str, typer.Option("--lab", help="lab4, 4 or lab4_best_of_n")]
SomeLab = Annotated[str | None, typer.Option("--lab", help="one lab; all without it")]


def main() -> None:
    """The entry point: runs the command; every error becomes one message and an exit code."""
    from .markers import SourceError

    try:
        app()
    except SourceError as error:
        _say(f"{error}\n{len(error.problems)} to mend; nothing was written")
        sys.exit(1)
    except LabError as error:
        _say(str(error))
        sys.exit(2)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _say(f"{error.strerror or error}{where}")
        sys.exit(2)
    except KeyboardInterrupt:
        _say("stopped")
        sys.exit(130)
    except Exception as error:  # a defect of ours: still one message, and how to see more
        if os.environ.get("GRADING_TRACEBACK"):
            raise
        _say(f"a defect in grading: {type(error).__name__}: {error}\ntry: GRADING_TRACEBACK=1 grading …")
        sys.exit(3)


def _say(message: str) -> None:
    print(message, file=sys.stderr)


@app.command()
def build(
    check: Annotated[bool, typer.Option("--check", help="change nothing; exit 1 if a rebuild would")] = False,
) -> None:
    """Build starter/ and notebooks/ from solutions/."""
    from . import build as builder

    changes = builder.differences() if check else builder.build()
    for line in changes:
        print(line if check else line.rpartition(": ")[0])
    if check and changes:
        _say(f"{len(changes)} files differ from what solutions/ builds; run: grading build")
        raise typer.Exit(1)
    print(
        "starter/ and notebooks/ are what solutions/ builds"
        if not changes
        else f"{len(changes)} files written"
    )


@app.command()
def lint() -> None:
    """Check markers, docstrings, notebooks and tests; each finding has file and line."""
    from .lint import lint as find

    problems = find()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} findings" if problems else "no findings")
    if problems:
        raise typer.Exit(1)


@app.command()
def release(
    out: Annotated[Path, typer.Option(help="the zip to write")] = Path("dist/student.zip"),
) -> None:
    """Write the students' zip, by allowlist, after scanning it for leaks."""
    from .release import release as make

    made = make(out)
    print(f"{out}: {made.files} files, {made.size / 1e6:.1f} MB, sha256 {made.sha256[:16]}…; no leak found")


@app.command()
def run(
    submission: Annotated[str, typer.Argument(help="a zip or a folder")],
    lab: LabOption,
    out: Annotated[Path, typer.Option(file_okay=False, help="folder for results.json and the report")],
    backend: Annotated[str, typer.Option(help="auto, bubblewrap, user, container or limits")] = "auto",
    notebook: Annotated[bool, typer.Option(help="grade the notebook too")] = True,
) -> None:
    """Grade one submission."""
    from .grade import GradingFailed, grade

    if not submission:  # Path("") is the folder where one stands
        raise LabError("a submission: a zip, or a folder with starter/", "an empty name", "SUBMISSION")
    try:
        results = grade(Path(submission), lab, out, backend=backend, notebook=notebook)
    except GradingFailed as error:
        _say(f"grading failed, through no fault of the submission: {error}\nsee: {out / 'results.json'}")
        raise typer.Exit(3) from None
    earned = sum(row.score or 0 for row in results.tests)
    possible = sum(row.max_score or 0 for row in results.tests)
    print(f"{earned:g} of {possible:g} points\n{out / 'results.json'}\n{out / 'report.html'}")


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="results.json of a run")],
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="folder to write to; beside results.json without it")
    ] = None,
) -> None:
    """Write report.html and results.csv from a results.json."""
    from .report import write

    for path in write(results, out):
        print(path)


@app.command()
def gradescope(
    lab: LabOption,
    out: Annotated[Path, typer.Option(file_okay=False, help="folder for the zip")] = Path("dist"),
) -> None:
    """Write the zip to upload as a Gradescope autograder."""
    from .gradescope.package import package

    print(package(lab, out))


@app.command()
def nbgrader(
    lab: LabOption,
    out: Annotated[Path, typer.Option(file_okay=False, help="a new folder for the nbgrader course")],
) -> None:
    """Write an nbgrader course folder with this lab's notebook as an assignment."""
    from .nbgrader_course import write_course

    print(write_course(lab, out))


@app.command()
def verify(
    lab: SomeLab = None,
    only: Annotated[str, typer.Option(help="sections, comma-separated; all without it")] = "",
    processes: Annotated[int, typer.Option(help="variants tested at a time")] = 2,
) -> None:
    """Prove the invariants of the course; prints a table, exits 1 with the failures."""
    from .verify import verify as prove

    sections = [name.strip() for name in only.split(",") if name.strip()]
    if not prove(lab, sections, processes=processes):
        raise typer.Exit(1)


@app.command()
def effects(
    lab: SomeLab = None,
    seeds: Annotated[str, typer.Option(help="seeds, space- or comma-separated")] = "1 2 3 4 5",
    record: Annotated[bool, typer.Option("--record", help="write expected.json")] = False,
) -> None:
    """Retrain all arms on nano over seeds and say which effects hold."""
    from .effects import measure

    try:
        numbers = [int(word) for word in seeds.replace(",", " ").split()]
    except ValueError:
        raise LabError("whole numbers such as '1 2 3'", repr(seeds), "--seeds") from None
    if not measure(lab, numbers, record=record):
        raise typer.Exit(1)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(file_okay=False, help="folder for the results")] = Path("out/demo"),
) -> None:
    """Build the release, grade four submissions of every lab, run one notebook, print the table."""
    from .demo import demo as show

    if not show(out):
        raise typer.Exit(1)


@app.command()
def bench() -> None:
    """Measure what benchmarks/ lists."""
    from .stage import staff_root

    script = staff_root() / "benchmarks" / "run.py"
    if not script.is_file():
        raise LabError("benchmarks/run.py", "no such file", script)
    raise typer.Exit(subprocess.run([sys.executable, str(script)]).returncode)


@app.command()
def lecture(
    lab: LabOption,
    dry: Annotated[bool, typer.Option("--dry", help="print the notebook's path and stop")] = False,
) -> None:
    """JupyterLab on the lab's notebook with the answers, in a temporary tree; nothing is kept."""
    from labkit.course import load_course

    from .stage import environment, staff_root, stage

    chosen = load_course(staff_root()).lab(lab)
    with stage("solutions", [chosen.key], solved_notebooks=True) as tree:
        if not (tree / chosen.notebook).is_file():
            raise LabError("the lab's notebook source", "none", f"solutions/{chosen.package}/lab.py")
        print(tree / chosen.notebook)
        if dry:
            return
        command = [sys.executable, "-m", "jupyter", "lab", str(tree / chosen.notebook)]
        with tempfile.TemporaryDirectory() as runtime:
            variables = {**environment(tree), "JUPYTER_RUNTIME_DIR": runtime}
            code = subprocess.run(command, cwd=tree, env=variables).returncode
        raise typer.Exit(code)


if __name__ == "__main__":
    main()
