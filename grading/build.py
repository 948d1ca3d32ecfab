"""Builds what students see: `solutions/` → `starter/` and `notebooks/`.

    grading build            # rebuild both folders
    grading build --check    # change nothing; exit 1 and name the files that differ

In `.py` files every marked region (grading/markers.py) becomes

    # TODO 4.7: count the votes, earliest answer wins a tie.
    # ---- your code for 4.7 starts here ----
    raise NotImplementedError("TODO 4.7 majority_vote: see notebooks/lab4_best_of_n.ipynb, section 7")
    # ---- ends here ----

and all else is copied: configs, GUIDE.md and expected.json (numbers of effects, for the notebook).
`lab.py` becomes the notebook (grading/build_notebook.py). The linter (grading/lint.py) runs first, then ruff
over what was built: an import that only a solution needs is an error, because it gives the solution away
(imports from the lab's own modules may stay: they are tools that the student is given).
The same source gives the same bytes. Everything is built beside the project first and put in place by
renaming, so an error leaves the tree as it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from labkit.course import Course, Lab, load_course

from .markers import Problem, Region, SourceError, replace_regions
from .scratch import scratch
from .stage import staff_root

LINE_LENGTH = 110
COPIED = {".py", ".yaml", ".json", ".md"}
RULES = "E9,F401,F811,F821"  # not Python, unused import, defined twice, undefined name
SKIPPED = {"__pycache__", ".ipynb_checkpoints"}


def fences(todo_id: str) -> tuple[str, str]:
    """The two comment lines around the student's code."""
    return f"# ---- your code for {todo_id} starts here ----", "# ---- ends here ----"


def stub(lab: Lab, todo_id: str, indent: str) -> list[str]:
    """The lines that stand for a solution in a module. Raises LabError: unknown id."""
    todo = next((todo for todo in lab.todos if todo.id == todo_id), None)
    name = todo.function if todo else "?"
    section = todo.section if todo else "?"
    message = f'"TODO {todo_id} {name}: see {lab.notebook}, section {section}"'
    one_line = f"{indent}raise NotImplementedError({message})"
    if len(one_line) <= LINE_LENGTH:
        body = [one_line]
    else:
        body = [f"{indent}raise NotImplementedError(", f"{indent}    {message}", f"{indent})"]
    begin, end = fences(todo_id)
    return [indent + begin, *body, indent + end]


def strip_module(source: str, path: str | Path, lab: Lab, only: Collection[str] | None = None) -> str:
    """A module's text with its regions (or those of the ids in `only`) replaced by stubs.

    Raises SourceError: malformed markers, with file and line.
    """

    def replacement(region: Region, _body: list[str]) -> list[str]:
        return stub(lab, region.id, region.indent)

    return replace_regions(source, path, replacement, only)


def source_files(folder: Path) -> list[Path]:
    """The files of a package that count, sorted, relative to `folder`; caches and hidden files don't."""
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(path for path in found if not any(p in SKIPPED or p.startswith(".") for p in path.parts))


def build_into(target: Path, root: Path, course: Course) -> None:
    """Write `starter/<package>/` and `notebooks/<package>.ipynb` of every lab below the folder `target`.

    Raises SourceError: what the linter or ruff finds, with files and lines.
    """
    from .build_notebook import student_notebook, write_notebook
    from .lint import lint

    problems = lint(root, course)
    if problems:
        raise SourceError(problems)
    for lab in course.labs:
        folder = root / "solutions" / lab.package
        for name in source_files(folder):
            if name == Path("lab.py"):
                continue
            if name.suffix not in COPIED:
                raise SourceError(
                    [
                        Problem(
                            f"solutions/{lab.package}/{name}",
                            1,
                            f"only {', '.join(sorted(COPIED))} are released",
                        )
                    ]
                )
            built = target / "starter" / lab.package / name
            built.parent.mkdir(parents=True, exist_ok=True)
            text = (folder / name).read_text(encoding="utf-8")
            if name.suffix == ".py":
                text = strip_module(text, f"solutions/{lab.package}/{name}", lab)
            built.write_text(text, encoding="utf-8", newline="\n")
        source = folder / "lab.py"
        if source.is_file():
            text = source.read_text(encoding="utf-8")
            notebook = student_notebook(lab, text, _shown(source, root), course.release_url)
            write_notebook(notebook, target / lab.notebook)
    problems = _ruff(target)
    if problems:
        raise SourceError(problems)


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _ruff(target: Path) -> list[Problem]:
    """What ruff says of the built modules: errors and formatting, as problems of the built files."""
    starter = target / "starter"
    if not starter.is_dir():
        return []
    base = [sys.executable, "-m", "ruff"]
    common = [
        "--isolated",
        "--no-cache",
        f"--config=line-length={LINE_LENGTH}",
        "--config=target-version='py311'",
    ]
    checked = subprocess.run(
        [*base, "check", *common, "--select", RULES, "--output-format", "json", str(starter)],
        capture_output=True,
        text=True,
    )
    if checked.returncode not in (0, 1):
        raise RuntimeError(f"ruff could not check the built files:\n{checked.stderr}")
    problems = []
    for found in json.loads(checked.stdout):
        if found["code"] == "F401" and found["message"].startswith("`."):
            continue  # from the lab's own modules
        path = Path(found["filename"]).resolve().relative_to(target.resolve()).as_posix()
        why = (
            "; it is only used in a solution: move it into the marked region"
            if found["code"] == "F401"
            else ""
        )
        row = found["location"]["row"]
        problems.append(Problem(path, row, f"after stripping: {found['code']} {found['message']}{why}"))
    formatted = subprocess.run(
        [*base, "format", "--check", *common, str(starter)], capture_output=True, text=True
    )
    for line in formatted.stdout.splitlines():
        if line.startswith("Would reformat: "):
            path = Path(line.removeprefix("Would reformat: ")).resolve().relative_to(target.resolve())
            problems.append(
                Problem(path.as_posix(), 1, "after stripping: not formatted; run ruff format on the solution")
            )
    if formatted.returncode not in (0, 1):
        raise RuntimeError(f"ruff could not read the built files:\n{formatted.stderr}")
    return problems


@contextlib.contextmanager
def _built(root: Path, course: Course) -> Iterator[Path]:
    """A freshly built tree in a folder beside the project's own (same file system, so renaming is atomic)."""
    with scratch(".build-", root) as folder:
        (folder / "starter").mkdir()
        (folder / "notebooks").mkdir()
        build_into(folder, root, course)
        yield folder


def differences(root: Path | None = None) -> list[str]:
    """What a rebuild would change: lines such as `starter/lab4_best_of_n/method.py: differs`. [] if nothing.

    Raises SourceError: the source can't be built.
    """
    root = Path(root or staff_root())
    course = load_course(root)
    found = []
    with _built(root, course) as built:
        packages = {lab.package for lab in course.labs}
        for folder in ("starter", "notebooks"):
            fresh = {path.as_posix() for path in source_files(built / folder)}
            current = (
                {path.as_posix() for path in source_files(root / folder)}
                if (root / folder).is_dir()
                else set()
            )
            for name in sorted(fresh | current - {"__init__.py"}):
                shown = f"{folder}/{name}"
                if name not in current:
                    found.append(f"{shown}: missing")
                elif name not in fresh:
                    known = folder == "notebooks" or name.split("/")[0] in packages
                    found.append(f"{shown}: " + ("nothing builds it" if known else "not in course.yaml"))
                elif (built / shown).read_bytes() != (root / shown).read_bytes():
                    found.append(f"{shown}: differs")
    return found


def build(root: Path | None = None) -> list[str]:
    """Rebuild `starter/` and `notebooks/`. Returns what changed, as `differences` says it.

    Files that nothing builds are removed; `starter/__init__.py` is kept. Raises SourceError, nothing written.
    """
    root = Path(root or staff_root())
    course = load_course(root)
    changed = differences(root)
    if not changed:
        return []
    with _built(root, course) as built:
        (root / "starter").mkdir(exist_ok=True)
        (root / "notebooks").mkdir(exist_ok=True)
        for folder in ("starter", "notebooks"):
            for entry in sorted((built / folder).iterdir()):
                _swap(entry, root / folder / entry.name, built / "old")
        for line in changed:
            name, _, what = line.rpartition(": ")
            if what != "differs" and what != "missing" and (root / name).exists():
                (root / name).unlink()
        for folder in sorted((root / "starter").rglob("*"), reverse=True):
            if folder.is_dir() and folder.name not in SKIPPED and not any(folder.iterdir()):
                folder.rmdir()
    return changed


def _swap(new: Path, place: Path, old: Path) -> None:
    """Put `new` at `place`; what stood there is moved to `old` first, and back if the second step fails."""
    if new.is_file():
        os.replace(new, place)
        return
    old.mkdir(exist_ok=True)
    kept = old / place.name
    if place.exists():
        os.replace(place, kept)
    try:
        os.replace(new, place)
    except OSError:
        if kept.exists():
            os.replace(kept, place)
        raise
    shutil.rmtree(kept, ignore_errors=True)
