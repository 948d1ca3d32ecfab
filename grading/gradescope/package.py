"""One zip for Gradescope: the scripts, the staff's files of one lab, the nano models, the pinned libraries.

    grading gradescope --lab lab4 --out dist        # dist/gradescope_lab4.zip
    package("lab4", Path("dist"))

Gradescope unpacks it to /autograder/source, runs setup.sh once, and run_autograder for each submission:

    setup.sh, run_autograder    as Gradescope expects them
    autograder.json             {"lab": "lab4", "release": "2026.11"}
    zero_results.json           what a student gets if even Python can't start: every row, zero points
    .secret                     seeds the inputs; made for this zip, readable by root only
    requirements.txt, requirements.lock
    course.yaml, labkit/, data/, notebooks/, grading/      only what grading this lab needs

Source: Gradescope's "Autograder Specifications". Left out: solutions, mutants, attacks, tests, the builder.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

from grading import grade, promise
from grading.results import Ledger
from grading.stage import staff_root
from labkit.course import Lab, load_course
from labkit.errors import LabError

HERE = Path(__file__).parent
NOT_SHIPPED = (  # what makes and proves the course; every other module of grading/ goes along
    *("build", "build_notebook", "cli", "demo", "effects", "leaks", "lint", "lint_notebook", "lint_tests"),
    *("markers", "nbgrader_course", "release", "samples", "variants", "verify"),
)
STAFF_LIBRARIES = ("jinja2", "psutil", "pyseccomp", "pytest")
NOT_NEEDED = ("jupyterlab",)  # people need it, the grader's kernel doesn't
NOT_STARTED = (
    "The grader could not start, so nothing was checked. That is not your mistake: tell your instructor, "
    "who finds the reason below 'Autograder output'."
)


def package(lab: str, out: Path) -> Path:
    """Write `gradescope_<lab>.zip` into the folder `out`.

    Raises LabError: unknown lab, or a file of the lab isn't there. GraderError: its hidden tests can't be
    collected or their points don't add up.
    """
    root = staff_root()
    info = load_course(root).lab(lab)
    target = Path(out) / f"gradescope_{info.key}.zip"
    contents = {name: path.read_bytes() for name, path in staff_files(info, root)}
    contents |= {
        "setup.sh": (HERE / "setup.sh").read_bytes(),
        "run_autograder": (HERE / "run_autograder").read_bytes(),
        "autograder.json": _json({"lab": info.key, "release": load_course(root).release}),
        "zero_results.json": zero_results(info).encode(),
        "requirements.txt": requirements(root).encode(),
        ".secret": secrets.token_hex(32).encode(),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".new")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(contents):
                archive.writestr(_entry(name), contents[name])
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _entry(name: str) -> zipfile.ZipInfo:
    mode = 0o755 if name in ("setup.sh", "run_autograder") else 0o600 if name == ".secret" else 0o644
    entry = zipfile.ZipInfo(name, date_time=time.localtime()[:6])
    entry.external_attr = (stat.S_IFREG | mode) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def staff_files(lab: Lab, root: Path) -> Iterator[tuple[str, Path]]:
    """(place in the zip, file) of everything that grading this lab needs.

    Raises LabError: one of the named files or folders isn't there.
    """
    names = ["course.yaml", "requirements.lock", lab.notebook]
    names += [f"grading/{path.name}" for path in sorted((root / "grading").glob("*.py")) if _shipped(path)]
    names += ["grading/gradescope/__init__.py", "grading/gradescope/run.py"]
    for name in names:
        if not (root / name).is_file():
            raise LabError(name, "no such file", root, "grading build")
        yield name, root / name
    number = lab.key
    folders = [("labkit", "**/*"), ("grading/templates", "*"), (f"data/{lab.package}", "**/*")]
    folders += [("data/models", "**/*"), ("grading/hidden", "__init__.py"), ("grading/hidden", "judging.py")]
    folders += [("grading/hidden", f"{number}_*"), ("grading/hidden", f"test_{lab.package}.py")]
    for folder, pattern in folders:
        found = [path for path in sorted((root / folder).glob(pattern)) if _wanted(path)]
        if not found and not pattern.startswith(number):
            raise LabError(f"files {pattern} in {folder}", "none", root)
        for path in found:
            yield path.relative_to(root).as_posix(), path


def _shipped(module: Path) -> bool:
    return module.stem not in NOT_SHIPPED


def _wanted(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts


def requirements(root: Path) -> str:
    """The libraries that grading needs, pinned as in requirements.lock (which is pip's constraints file)."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [Requirement(text).name for text in project["dependencies"]]
    names = [name for name in asked if name not in NOT_NEEDED]
    names += [name for name in STAFF_LIBRARIES if name not in names]
    return "".join(f"{name}\n" for name in names)


def zero_results(lab: Lab) -> str:
    """A results.json with every row of the lab and no points, for a grader that could not start."""
    tests, _ = promise.collect(promise.hidden_file(lab))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        ledger = Ledger(path, grade.first_facts(lab, "submission"), promise.test_rows(lab, tests))
        ledger.update(staff="the grader did not start")
        ledger.summary = NOT_STARTED
        ledger.save()
        return path.read_text(encoding="utf-8")
