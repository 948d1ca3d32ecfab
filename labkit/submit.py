"""`labs submit lab4`: packs one lab into `submission_lab4.zip`, and nothing else that lies in the folder.

    submission_lab4.zip
        manifest.json                       {"release", "lab", "created", "files": {path: sha256}}
        starter/lab4_best_of_n/*.py         and configs/*.yaml below it
        notebooks/lab4_best_of_n.ipynb

Left out by design: checkpoints, runs, data, links, hidden files. The manifest is a claim that helps to find
a broken upload; the grader trusts none of it.
"""

from __future__ import annotations

import datetime
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .course import Lab, grade_id, load_course, project_root
from .data import atomic_write, sha256
from .errors import LabError
from .sources import forbidden_imports, unfinished

UNWRITTEN = "*Your answer here: replace this line.*"  # what a written answer's cell holds at first
MAX_BYTES = 20 * 2**20  # a notebook with its plots is below 5 MB; more than this is a checkpoint by mistake


@dataclass(frozen=True)
class Submission:
    """The zip that was written, what is in it, and what the student should know before handing it in."""

    path: Path
    files: tuple[str, ...]
    warnings: tuple[str, ...]


def submit(lab_name: str, out: Path | None = None, root: Path | None = None) -> Submission:
    """Writes the submission of a lab, by default `submission_<lab>.zip` in the course's folder.

    out: another folder, or the zip's whole path.

    Unwritten TODOs and forbidden imports are warnings, since a part of a lab may be handed in.
    Raises LabError: unknown lab, a module or the notebook missing, more than 20 MB, or nothing can be
    written at `out`.
    """
    root = root or project_root()
    course = load_course(root)
    lab = course.lab(lab_name)
    files = allowed_files(lab, root)
    sizes = {name: (root / name).stat().st_size for name in files}
    if sum(sizes.values()) > MAX_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        megabytes = sum(sizes.values()) / 2**20
        raise LabError(
            f"at most {MAX_BYTES // 2**20} MB",
            f"{megabytes:.1f} MB; the largest file is {largest}",
            root,
            "clear the notebook's outputs and save it"
            if largest.endswith(".ipynb")
            else "make that file smaller",
        )
    manifest = {
        "release": course.release,
        "lab": lab.key,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "files": {name: sha256(root / name) for name in files},
    }
    name = f"submission_{lab.key}.zip"
    path = root / name if out is None else out / name if out.is_dir() else out
    try:
        atomic_write(path, _packed(manifest, files, root))
    except OSError as error:
        raise LabError(
            "a place to write the zip", error.strerror or str(error), path, "--out FOLDER"
        ) from None
    return Submission(path, tuple(files), tuple(warnings(lab, root)))


def allowed_files(lab: Lab, root: Path) -> list[str]:
    """What goes into a submission, as paths from the course's folder with `/`, sorted.

    Raises LabError: a module with a TODO, or the notebook, is missing.
    """
    package = root / "starter" / lab.package
    found = [*package.glob("*.py"), *package.glob("configs/*.yaml"), root / lab.notebook]
    names = [path.relative_to(root).as_posix() for path in found if path.is_file() and not path.is_symlink()]
    needed = {f"starter/{lab.package}/{todo.file}" for todo in lab.todos} | {lab.notebook}
    missing = sorted(needed - set(names))
    if missing:
        raise LabError(f"the files of {lab.key}", f"missing: {', '.join(missing)}", root, "labs doctor")
    return sorted(names)


def warnings(lab: Lab, root: Path) -> list[str]:
    """Sentences about what isn't written or run yet, in modules and notebook, and about forbidden imports."""
    folder = root / "starter" / lab.package
    found = [str(finding) for finding in [*unfinished(folder, lab), *forbidden_imports(folder, lab)]]
    try:
        cells = json.loads((root / lab.notebook).read_text(encoding="utf-8")).get("cells", [])
        graded = [cell for cell in cells if "nbgrader" in cell.get("metadata", {})]
        texts = {cell["metadata"]["nbgrader"].get("grade_id"): "".join(cell["source"]) for cell in graded}
        code = [cell for cell in cells if cell.get("cell_type") == "code" and "".join(cell["source"]).strip()]
    except (ValueError, TypeError, KeyError, AttributeError):
        return [*found, f"{lab.notebook}: this is not a notebook any more (no valid JSON)"]
    for item in (*lab.values, *lab.written):
        text = texts.get(grade_id(item.id))
        if text is None:
            found.append(f"{lab.notebook}: the cell of {item.id} is gone")
        elif f'NotImplementedError("TODO {item.id} ' in text or text.strip() in ("", UNWRITTEN):
            found.append(f"{lab.notebook}: {item.id} is not written yet (as saved: save the notebook before)")
    if idle := [cell for cell in code if cell.get("execution_count") is None]:
        begins = "".join(idle[0]["source"]).strip().splitlines()[0]
        found.append(
            f"{lab.notebook}: {len(idle)} of {len(code)} cells of code were not run, as saved; "
            f"the first of them begins: {begins}"
        )
    return found


def _packed(manifest: dict, files: list[str], root: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest, indent=2) + "\n")
        for name in files:
            archive.writestr(name, (root / name).read_bytes())
    return buffer.getvalue()
