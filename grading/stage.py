"""Puts one implementation in the place of `starter/`: a temporary tree in which anything can run.

    with stage("solutions") as tree:                    # the author's own
    with stage("starter") as tree:                      # the untouched stubs
    with stage("submission/starter") as tree:            # a folder that holds lab4_best_of_n/
    with stage("submission/starter/lab4_best_of_n") as tree:   # one lab's folder
    with stage("grading/mutants/lab4_best_of_n/4.7__ties_go_to_last.py") as tree:   # one mistake
    with stage("solutions", stub=["4.9", "4.10"]) as tree:   # the solutions, some TODOs not done
    with activated(tree): ...                           # import `starter` from there, in this process

The tree holds `starter/` (copied) beside `labkit`, `data`, `tests`, `notebooks` and `course.yaml` (links
where the system allows them, copies where not). It never holds `solutions` or `grading`. One mechanism for
author runs, lectures, mutants, demo submissions and `pytest tests --against …`.

Mutants. A mutant is one TODO's function with one mistake, as a file of its own:

    grading/mutants/lab4_best_of_n/4.7__ties_go_to_last.py
        # MUTANT 4.7 method.py — ties go to the last answer | caught by: test_ties | visible: passes
        def majority_vote(answers):
            ...

The file's name is `<id>__<mistake_in_words>.py`. The first line names the id, the file of the solution, the
mistake in words, the test or tests that must catch it (function names, comma-separated, from tests/ or
grading/hidden/), and whether every visible test passes on it (`passes` or `fails`). A hyphen may stand for
the dash. Everything below it is the replacement: exactly one top-level function, of the TODO's own name,
whose imports stand in its body. Staging puts that text in the place of the function in the solutions' module,
by the lines of its definition (decorators included); all else of the module, its imports too, stays.

Left out: the sandbox. What runs in the tree has your rights; submissions go through `grading/client.py`.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.course import Lab, Todo, load_course
from labkit.errors import LabError

BESIDE = ("labkit", "data", "tests", "notebooks", "course.yaml", "pyproject.toml")
JUNK = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.pyc", ".DS_Store")
MUTANT_LINE = re.compile(
    r"^# MUTANT (?P<id>\d+\.\d+) (?P<file>\w+\.py) [—-] (?P<mistake>[^|]+?) \| caught by: (?P<tests>[^|]+?) "
    r"\| visible: (?P<visible>passes|fails)\s*$"
)


def staff_root() -> Path:
    """The checkout that this `grading` belongs to; unlike labkit's root it never means a staged tree."""
    return Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Mutant:
    """One mistake: the TODO, in words, and the tests that must catch it.

    caught_by: names of test functions; passes_visible: no visible test notices it.
    """

    path: Path
    todo: str
    file: str
    mistake: str
    caught_by: tuple[str, ...]
    passes_visible: bool
    source: str


def read_mutant(path: str | Path, root: Path | None = None) -> Mutant:
    """Read and check one mutant file (format: module docstring).

    Raises LabError: no such file, first line not in the format, id unknown or of another file, not exactly
    one function of the TODO's name, or a name of the file that doesn't begin with the id.
    """
    path = Path(path)
    if not path.is_file():
        raise LabError("a mutant file", "no such file", path)
    first, _, source = path.read_text(encoding="utf-8").partition("\n")
    match = MUTANT_LINE.match(first)
    if match is None:
        raise LabError(
            "# MUTANT 4.7 method.py — the mistake | caught by: test_name | visible: passes",
            first,
            f"{path}:1",
        )
    todo = load_course(root or staff_root()).todo(match["id"])
    if todo.file != match["file"]:
        raise LabError(f"{todo.file}, where TODO {todo.id} lives", match["file"], f"{path}:1")
    if not path.name.startswith(f"{todo.id}__"):
        raise LabError(f"a file name that begins with {todo.id}__", path.name, path)
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise LabError("Python", error.msg, f"{path}:{(error.lineno or 0) + 1}") from None
    names = [node.name if isinstance(node, ast.FunctionDef) else type(node).__name__ for node in tree.body]
    if names != [todo.function]:
        raise LabError(f"exactly one function, {todo.function}", ", ".join(names) or "nothing", path)
    tests = tuple(name.strip() for name in match["tests"].split(","))
    return Mutant(
        path, todo.id, todo.file, match["mistake"], tests, match["visible"] == "passes", source.strip("\n")
    )


def mutants(lab: Lab, root: Path | None = None) -> list[Mutant]:
    """All mutants of one lab, by file name. Raises LabError as `read_mutant`."""
    folder = (root or staff_root()) / "grading" / "mutants" / lab.package
    return [read_mutant(path, root) for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]


def replace_function(module: str, name: str, replacement: str) -> str:
    """`module` with the top-level function `name` replaced by the text `replacement`.

    Raises LabError: `module` isn't Python or has not exactly one such function.
    """
    try:
        tree = ast.parse(module)
    except SyntaxError as error:
        raise LabError("Python", error.msg, f"line {error.lineno}") from None
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    if len(found) != 1:
        raise LabError(f"one top-level function {name}", f"{len(found)} of them")
    first = min([found[0].lineno, *(node.lineno for node in found[0].decorator_list)])
    lines = module.splitlines()
    lines[first - 1 : found[0].end_lineno] = replacement.splitlines()
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def stage(
    implementation: str | Path,
    labs: Iterable[str] | None = None,
    *,
    stub: Collection[str] = (),
    solved_notebooks: bool = False,
    root: Path | None = None,
) -> Iterator[Path]:
    """A temporary tree with `implementation` as its `starter/`; removed afterwards.

    Args:
        implementation: "solutions", "starter", or a path (module docstring). Labs that a path doesn't hold
            come from the built `starter/`; for a mutant everything else comes from `solutions/`.
        labs: keys or packages to place; None = all.
        stub: ids of TODOs to leave as stubs. Only with "solutions".
        solved_notebooks: `notebooks/` holds the notebooks with the answers in (for lectures and `verify`).
        root: the project; default: this checkout.
    Yields the tree's path. Raises LabError: nothing usable at `implementation`, unknown lab or id.
    """
    root = Path(root or staff_root()).resolve()
    course = load_course(root)
    chosen = [course.lab(name) for name in labs] if labs is not None else list(course.labs)
    with tempfile.TemporaryDirectory(prefix="stage-") as folder:
        tree = Path(folder).resolve() / "tree"
        tree.mkdir()
        _fill_starter(tree / "starter", implementation, chosen, root)
        if stub and str(implementation) != "solutions":
            raise LabError("stubs put into 'solutions'", f"stub={', '.join(stub)} with {implementation!r}")
        _stub(tree, [course.todo(todo_id) for todo_id in stub], root)
        for name in BESIDE:
            if (root / name).exists() and not (solved_notebooks and name == "notebooks"):
                _link(root / name, tree / name)
        if solved_notebooks:
            from .build_notebook import write_solved

            for lab in chosen:
                write_solved(lab, root, tree / lab.notebook)
        yield tree


@contextlib.contextmanager
def activated(tree: Path) -> Iterator[None]:
    """`starter` is imported from `tree` inside the block, in this process; everything is put back after it.

    Sets LABS_ROOT, so that labkit reads the tree's course table and data.
    """
    from labkit.student import forget_starter

    before, root_before = list(sys.path), os.environ.get("LABS_ROOT")
    forget_starter()
    sys.path.insert(0, str(tree))
    os.environ["LABS_ROOT"] = str(tree)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before
        if root_before is None:
            del os.environ["LABS_ROOT"]
        else:
            os.environ["LABS_ROOT"] = root_before
        forget_starter()
        importlib.invalidate_caches()


def environment(tree: Path) -> dict[str, str]:
    """The variables with which another Python process (a run, a kernel) works in `tree`."""
    path = os.pathsep.join(filter(None, [str(tree), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "LABS_ROOT": str(tree)}


# ---- filling the tree ----


def _fill_starter(starter: Path, implementation: str | Path, labs: list[Lab], root: Path) -> None:
    starter.mkdir()
    init = root / "starter" / "__init__.py"
    shutil.copy(init, starter / "__init__.py") if init.is_file() else (starter / "__init__.py").touch()
    for lab in labs:
        source = _source_of(implementation, lab, root)
        shutil.copytree(source, starter / lab.package, ignore=_ignore_lab_notebook)
    if _is_path(implementation):
        path = Path(implementation)
        if path.is_file():
            mutant = read_mutant(path, root)
            todo = load_course(root).todo(mutant.todo)
            package = load_course(root).lab(todo.lab).package
            if not (starter / package).is_dir():
                raise LabError(
                    f"{todo.lab} among the labs to stage", ", ".join(lab.key for lab in labs), path
                )
            module = starter / package / mutant.file
            module.write_text(
                replace_function(module.read_text(encoding="utf-8"), todo.function, mutant.source),
                encoding="utf-8",
            )
        elif not any(_holds(path, lab) for lab in labs):
            raise LabError(
                "'solutions', 'starter', a folder with " + " or ".join(f"{lab.package}/" for lab in labs),
                "none of them in this folder" if path.is_dir() else "no such file or folder",
                path,
            )


def _is_path(implementation: str | Path) -> bool:
    return str(implementation) not in ("solutions", "starter")


def _holds(path: Path, lab: Lab) -> Path | None:
    """Where `path` keeps `lab`: below it, below its starter/, or the folder itself."""
    for candidate in (path / lab.package, path / "starter" / lab.package):
        if candidate.is_dir():
            return candidate
    return path if path.name == lab.package and path.is_dir() else None


def _source_of(implementation: str | Path, lab: Lab, root: Path) -> Path:
    if not _is_path(implementation):
        source = root / str(implementation) / lab.package
    elif Path(implementation).is_file():
        source = root / "solutions" / lab.package
    else:
        source = _holds(Path(implementation), lab) or root / "starter" / lab.package
    if not source.is_dir():
        raise LabError(f"the folder of {lab.key}", "no such folder", source, "grading build")
    return source


def _ignore_lab_notebook(folder: str, names: list[str]) -> set[str]:
    """lab.py is the notebook's source: its regions answer the questions, so no staged tree holds it."""
    return JUNK(folder, names) | {name for name in names if name == "lab.py"}


def _stub(tree: Path, todos: Sequence[Todo], root: Path) -> None:
    """Strip these TODOs of the staged solutions; all of one module at once, since a stub has no markers."""
    from .build import strip_module

    for lab_key, file in dict.fromkeys((todo.lab, todo.file) for todo in todos):
        lab = load_course(root).lab(lab_key)
        ids = {todo.id for todo in todos if (todo.lab, todo.file) == (lab_key, file)}
        module = tree / "starter" / lab.package / file
        if not module.is_file():
            raise LabError(f"{lab_key} among the labs to stage", "it isn't staged", f"stub={min(ids)}")
        text = strip_module(module.read_text(encoding="utf-8"), f"{lab.package}/{file}", lab, only=ids)
        module.write_text(text, encoding="utf-8")


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:  # Windows without developer mode has no symbolic links for users
        if source.is_dir():
            shutil.copytree(source, target, ignore=JUNK)
        else:
            shutil.copy(source, target)
