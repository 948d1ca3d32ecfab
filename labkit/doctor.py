"""`labs doctor`: is everything here that the labs need? One line a question, and the command that helps.

    ok       Python        3.11.9
    problem  transformers  expected 5.23.0, found 4.57.1    try: pip install "transformers==5.23.0"

Left out: anything that takes longer than a few seconds (the labs' own runs).
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .course import Course, Lab, load_course, project_root
from .data import CHECKSUMS, failed_checksums, read_checksums
from .errors import LabError
from .models import REGISTRY, holds_model, nano_folder

DISK_GB = 3  # smollm2 needs 0.6 GB twice while it is converted; a run's checkpoints the rest


@dataclass(frozen=True)
class Line:
    """The answer to one question: `good`, what was found, and the command that helps."""

    good: bool
    subject: str
    found: str
    command: str = ""

    def __str__(self) -> str:
        tail = f"    try: {self.command}" if self.command and not self.good else ""
        return f"{'ok' if self.good else 'problem':<8} {self.subject:<24} {self.found}{tail}"


def examine(root: Path | None = None) -> Iterator[Line]:
    """The lines of the report, in order. Raises LabError: no course here, or a broken `course.yaml`."""
    root = root or project_root()
    course = load_course(root)
    yield Line(True, "release", f"{course.title} {course.release}, in {root}")
    version = ".".join(map(str, sys.version_info[:3]))
    yield Line(sys.version_info >= (3, 11), "Python", version, "install Python 3.11 or newer")
    yield from _packages(root)
    yield _device()
    free = shutil.disk_usage(root).free / 2**30
    yield Line(free >= DISK_GB, "disk", f"{free:.1f} GB free, {DISK_GB} needed", "free some space")
    yield from _data(root, course)
    for lab in course.labs:
        yield from _lab(lab, root)


def _packages(root: Path) -> Iterator[Line]:
    """Installed versions against the pins of `pyproject.toml`: a line for each fault, or one for all."""
    from packaging.requirements import Requirement

    path = root / "pyproject.toml"
    if not path.is_file():
        yield Line(False, "packages", "no pyproject.toml to compare with", "unpack the release again")
        return
    pins = [
        Requirement(text)
        for text in tomllib.loads(path.read_text(encoding="utf-8"))["project"]["dependencies"]
    ]
    good = True
    for pin in pins:
        try:
            found = importlib.metadata.version(pin.name)
        except importlib.metadata.PackageNotFoundError:
            found = "nothing"
        if found == "nothing" or not pin.specifier.contains(found.split("+")[0], prereleases=True):
            good = False
            yield Line(
                False, pin.name, f"expected {pin.specifier or 'any'}, found {found}", f'pip install "{pin}"'
            )
    if good:
        yield Line(True, "packages", f"{len(pins)} as pinned in pyproject.toml")


def _device() -> Line:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a shared library of another platform
        said = str(error).splitlines()[0]
        return Line(False, "torch", f"can't be imported: {said}", 'pip install "torch==2.13.0"')
    gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    where = "with a GPU" if gpu else "on the CPU, which is enough for nano and laptop"
    return Line(True, "torch", f"{torch.__version__}, {where}")


def _data(root: Path, course: Course) -> Iterator[Line]:
    again = f"unpack the release again ({course.release_url})"
    for spec in REGISTRY.values():
        if spec.profile == "nano":
            there = holds_model(root / "data" / "models" / spec.name)
            yield Line(
                there, f"model {spec.name}", "there" if there else f"not in {nano_folder(spec.name)}", again
            )
    try:
        sums = read_checksums(root / "data")
        failed = failed_checksums(root / "data")
    except LabError as error:
        yield Line(False, "data", str(error).replace("\n", "; "), again)
        return
    if not sums:
        yield Line(False, "data", f"no data/{CHECKSUMS}", again)
        return
    for name, fault in failed.items():
        yield Line(False, f"data/{name}", fault, again)
    if not failed:
        yield Line(True, "data", f"{len(sums)} files as released")


def _lab(lab: Lab, root: Path) -> Iterator[Line]:
    """Modules, notebook and public checks of one lab: there, readable, and with every TODO in them."""
    faults = [f"no {name}" for name in (lab.notebook, lab.tests) if not (root / name).is_file()]
    for file in dict.fromkeys(todo.file for todo in lab.todos):
        path = root / "starter" / lab.package / file
        wanted = {todo.function: todo.id for todo in lab.todos if todo.file == file}
        faults += [f"{path.relative_to(root).as_posix()}: {fault}" for fault in _module_faults(path, wanted)]
    if (root / lab.notebook).is_file():
        faults += _notebook_faults(root / lab.notebook, lab)
    if faults:
        yield from (
            Line(False, lab.key, fault, "unpack the release again, beside your work") for fault in faults
        )
    else:
        yield Line(True, lab.key, f"{len(lab.todos)} TODOs in modules, notebook and checks")


def _module_faults(path: Path, wanted: dict[str, str]) -> list[str]:
    if not path.is_file():
        return ["no such file"]
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        return [f"Python can't read it ({error})"]
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return [f"no function {name} (TODO {todo})" for name, todo in wanted.items() if name not in defined]


def _notebook_faults(path: Path, lab: Lab) -> list[str]:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    except (ValueError, KeyError, TypeError):
        return [f"{lab.notebook}: not a notebook any more"]
    lines = text.splitlines()
    missing = [todo.id for todo in lab.todos if not any(line.startswith(f"## {todo.id} ") for line in lines)]
    return [f"{lab.notebook}: no section {todo_id}" for todo_id in missing]
