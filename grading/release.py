"""`dist/student.zip`: what students and Colab get, by allowlist, and nothing before a leak scan.

    grading release          # builds the tree, scans it, writes the zip
    tree = student_tree(Path("student"));  scan(tree)

In the zip, below `post-training-labs/`: starter, notebooks, labkit, data, tests, course.yaml, LICENSE, a
pyproject.toml with only `labkit`, `starter` and the script `labs`, requirements.txt, README.md for students.
Same sources, same bytes: fixed dates, modes and order.

The scan (grading/leaks.py) reads the finished tree, and any finding stops the release. Left out: publishing
it at `release_url`; that is the instructor's upload.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from labkit.course import Course, load_course
from labkit.errors import LabError

from .build import differences, source_files
from .markers import SourceError
from .stage import staff_root

TOP = "post-training-labs"
FOLDERS = {
    "starter": {".py", ".yaml", ".json", ".md"},
    "notebooks": {".ipynb"},
    "labkit": {".py", ".typed", ".json", ".yaml"},
    "data": {".jsonl", ".json", ".safetensors", ".md", ".txt", ".csv", ".jinja", ""},  # "": SHA256SUMS
    "tests": {".py"},
}
FILES = ("course.yaml", "LICENSE", "requirements.lock")
NOT_RUN_BY_STUDENTS = {"data": {"cache"}}
DATE = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Release:
    """What was written: the zip, how many files and bytes, and its sha256."""

    path: Path
    files: int
    size: int
    sha256: str


def release(out: Path, root: Path | None = None) -> Release:
    """Build the student tree, scan it, write the zip (whole or not at all).

    Raises LabError: the built folders differ from `solutions/`, or a folder is missing. SourceError: leaks,
    each with file and line; no zip is written.
    """
    from .leaks import scan

    root = Path(root or staff_root())
    changed = differences(root)
    if changed:
        raise LabError("starter/ and notebooks/ as built", "; ".join(changed[:5]), root, "grading build")
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        tree = student_tree(Path(folder) / TOP, root)
        problems = scan(tree, root)
        if problems:
            raise SourceError(problems)
        return write_zip(tree, out)


def student_tree(target: Path, root: Path | None = None) -> Path:
    """Copy what the allowlist names to `target` (a new folder) and write the students' own files.

    Raises LabError: a file that no rule lets through stands in a released folder, or a folder is missing.
    """
    root = Path(root or staff_root())
    course = load_course(root)
    if target.exists():
        raise LabError("a new folder", "it exists already", target)
    for name, allowed in FOLDERS.items():
        if not (root / name).is_dir():
            raise LabError("a folder to release", "no such folder", root / name, "grading build")
        for path in source_files(root / name):
            if path.parts[0] in NOT_RUN_BY_STUDENTS.get(name, ()):
                continue
            if path.suffix not in allowed:
                known = ", ".join(sorted(allowed))
                raise LabError(f"files of {name}/ to be one of {known}", path.name, root / name / path)
            _copy(root / name / path, target / name / path)
    for name in FILES:
        if not (root / name).is_file():
            raise LabError("a file to release", "no such file", root / name)
        _copy(root / name, target / name)
    (target / "README.md").write_text(readme(course), encoding="utf-8")
    (target / "pyproject.toml").write_text(student_pyproject(root), encoding="utf-8")
    (target / "requirements.txt").write_text("-c requirements.lock\n-e .\n", encoding="utf-8")
    return target


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink():
        raise LabError("plain files to release", "a symbolic link", source)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def readme(course: Course) -> str:
    """The students' README, with the labs of the course table."""
    template = (Path(__file__).parent / "student" / "README.md").read_text(encoding="utf-8")
    lines = [
        f"| {lab.key}: {lab.title} | `{lab.notebook}` | `starter/{lab.package}/` | {lab.due or '–'} |"
        for lab in course.labs
    ]
    first = course.labs[0]
    filled = {
        "title": course.title,
        "release": course.release,
        "labs": "\n".join(lines),
        "lab": first.key,
        "example": first.todos[0].id if first.todos else "",
    }
    return re.sub(r"\{(\w+)\}", lambda match: filled[match[1]], template)


def student_pyproject(root: Path) -> str:
    """pyproject.toml of the release: the project's own, without staff packages, extras and scripts."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    table = project["project"]
    dependencies = "\n".join(f"    {json.dumps(line)}," for line in table["dependencies"])
    return f"""[build-system]
requires = {json.dumps(project["build-system"]["requires"])}
build-backend = {json.dumps(project["build-system"]["build-backend"])}

[project]
name = {json.dumps(table["name"])}
version = {json.dumps(table["version"])}
readme = "README.md"
requires-python = {json.dumps(table["requires-python"])}
dependencies = [
{dependencies}
]

[project.scripts]
labs = "labkit.cli:main"

[tool.hatch.build.targets.wheel]
packages = ["labkit", "starter"]

[tool.hatch.build]
dev-mode-dirs = ["."]

[tool.pytest.ini_options]
testpaths = ["tests"]
filterwarnings = ["ignore::DeprecationWarning"]
"""


def write_zip(tree: Path, out: Path) -> Release:
    """Zip `tree` deterministically below its own folder name; `out` is replaced whole."""
    out.parent.mkdir(parents=True, exist_ok=True)
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    with tempfile.NamedTemporaryFile(dir=out.parent, suffix=".zip", delete=False) as handle:
        temporary = Path(handle.name)
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for path in files:
                info = zipfile.ZipInfo(f"{tree.name}/{path.relative_to(tree).as_posix()}", DATE)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.create_system = 3
                info.external_attr = 0o100644 << 16
                archive.writestr(info, path.read_bytes(), compresslevel=6)
        os.chmod(temporary, 0o644)
        os.replace(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    return Release(out, len(files), out.stat().st_size, digest)
