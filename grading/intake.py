"""A submission as it was uploaded → a clean tree that holds only what a submission may hold.

    taken = take(Path("submission.zip"), load_course().lab("lab4"), into=Path(folder))
    taken.tree / "starter/lab4_best_of_n/method.py"   the student's modules
    taken.notebook                                    the notebook, unread; None without one
    taken.notes                                       what was left out or repaired, in plain words
    taken.findings["4.3"]                             why this TODO can't count: ("forbidden", "TODO 4.3 …")

Kept: `starter/<package>/**.py|yaml`, the lab's notebook, `manifest.json`; wherever the student's zip program
put them. Everything else is left out and said so. Whatever arrives, there is a tree, if need be an empty one,
so that every check gets its row. Nothing of a submission runs here: sizes and counts are read from the zip's
directory before anything is unpacked, and Python files are only parsed, in a process with limits
(`parsing.py`). Source: PKWARE's APPNOTE 6.3.10, sections 4.3.12 to 4.3.16. Not covered: what the code does
(the sandbox), what the notebook holds (`notebook.py`).
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grading.parsing import read_bounded
from grading.upload import MIB, Entry, file_hash, folder_hash, of_folder, of_zip
from labkit.course import Lab, load_course
from labkit.errors import LabError
from labkit.sources import forbidden_imports, unfinished

MAX_MODULE = 512 * 1024  # one .py or .yaml; the longest of ours has 20 KiB
MAX_NOTEBOOK = 20 * MIB
MAX_TOTAL = 40 * MIB  # unpacked

MAX_NOTES = 40

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,80}")
_FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,80}")  # no dot, so none is where a file is to be


@dataclass(frozen=True)
class Finding:
    """Why a TODO can't count. state: "missing", "syntax" or "forbidden", as in results.json.

    certain: its checks need not run. Not so for a function that isn't defined by `def`: it may be imported.
    """

    state: str
    words: str
    certain: bool = True


@dataclass(frozen=True)
class Intake:
    """What was taken of one submission."""

    tree: Path
    name: str
    sha256: str  # of the upload (of a folder: of its names and contents); part of every test's seed
    size: int  # bytes as uploaded
    files: tuple[str, ...]  # what is in the tree, sorted
    notes: tuple[str, ...]
    findings: dict[str, Finding]  # by TODO id

    @property
    def notebook(self) -> Path | None:
        found = [name for name in self.files if name.endswith(".ipynb")]
        return self.tree / found[0] if found else None


def check_kind(submission: Path) -> None:
    """Raises LabError: there is nothing at this path, or something without an end, such as a device."""
    if not (submission.is_file() or submission.is_dir()):
        found = "no such path" if not submission.exists() else "neither a file nor a folder"
        raise LabError("a submission: a zip, or a folder with starter/", found, submission)


def take(submission: Path, lab: Lab, into: Path) -> Intake:
    """Puts what counts of `submission`, a zip or a folder, into `into` (an empty or new folder).

    Raises LabError: no file and no folder there. Nothing that the submission holds raises.
    """
    submission = Path(submission)
    check_kind(submission)
    notes: list[str] = []
    if submission.is_dir():
        entries = of_folder(submission, notes)
        digest, size = folder_hash(entries)
    else:
        size = submission.stat().st_size
        digest = file_hash(submission)
        entries = of_zip(submission, size, notes)
    (into / "starter" / lab.package).mkdir(parents=True, exist_ok=True)
    (into / "starter" / "__init__.py").write_text("", encoding="utf-8")
    files = _keep(entries, lab, into, notes)
    notes = list(dict.fromkeys(notes))
    if len(notes) > MAX_NOTES:
        half = MAX_NOTES // 2
        notes[half:-half] = [f"… and {len(notes) - MAX_NOTES} more of such notes."]
    if not (into / "starter" / lab.package / "__init__.py").exists():
        (into / "starter" / lab.package / "__init__.py").write_text("", encoding="utf-8")
    return Intake(
        tree=into,
        name=submission.name,
        sha256=digest,
        size=size,
        files=tuple(sorted(files)),
        notes=tuple(notes),
        findings=_findings(into / "starter" / lab.package, lab),
    )


# --- choosing what counts ---


def _keep(entries: list[Entry], lab: Lab, into: Path, notes: list[str]) -> list[str]:
    """Writes the files that count and returns their places in the tree."""
    chosen: dict[str, Entry] = {}
    for place, entry in sorted(_places(entries, lab), key=lambda pair: pair[0]):
        if place in chosen:
            notes.append(f"{place} is in the submission twice; the last one counts.")
        chosen[place] = entry
    ours = sum(entry.parts[-2:] == ("starter", "__init__.py") for entry in entries)
    others = len(entries) - len(chosen) - ours
    for place in _collisions(chosen):
        notes.append(f"{place} differs from another file only in capital letters; it was left out.")
        del chosen[place]
    kept, total = [], 0
    for place, entry in chosen.items():
        content = _content(place, entry, notes)
        if content is None:
            continue
        total += len(content)
        if total > MAX_TOTAL:
            notes.append(
                f"The submission unpacks to more than {MAX_TOTAL // MIB} MB; {place} and what follows "
                "were left out."
            )
            break
        target = into / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        kept.append(place)
    if entries and not any(place.startswith("starter/") for place in kept):
        notes.append(_nothing_found(entries, lab))
    elif others:
        words = "1 other file is" if others == 1 else f"{others} other files are"
        notes.append(f"{words} not graded and left out of the submission.")
    if "manifest.json" in kept:
        notes += _manifest_notes(into / "manifest.json", lab)
    return kept


def _places(entries: list[Entry], lab: Lab) -> list[tuple[str, Entry]]:
    """Each file that counts, with its place in the clean tree, for the likeliest root of the upload."""
    anchors = {todo.file for todo in lab.todos}
    roots: dict[tuple[tuple[str, ...], str], int] = {}
    for entry in entries:
        *above, name = entry.parts
        if name in anchors:
            if above[-2:] == ["starter", lab.package]:
                key = (tuple(above[:-2]), f"starter/{lab.package}")
            elif above[-1:] == [lab.package]:
                key = (tuple(above[:-1]), lab.package)
            elif not any(re.fullmatch(r"lab\d+_\w+", part) for part in above):
                key = (tuple(above), "")
            else:
                continue
            roots[key] = roots.get(key, 0) + 1
    if roots:  # the most complete; of equals the tidiest, then the nearest to the top
        root, inner = min(roots, key=lambda k: (-roots[k], -k[1].count("/"), not k[1], len(k[0]), k))
    else:
        root, inner = (), f"starter/{lab.package}"
    home = (*root, *PurePosixPath(inner).parts)
    found = []
    for entry in entries:
        parts = entry.parts
        if parts[: len(home)] == home and _allowed(parts[len(home) :]):
            found.append((f"starter/{lab.package}/" + "/".join(parts[len(home) :]), entry))
        elif parts == (*root, "manifest.json"):
            found.append(("manifest.json", entry))
    notebooks = [entry for entry in entries if entry.parts[-1] == f"{lab.package}.ipynb"]
    if notebooks:
        best = min(notebooks, key=lambda e: (e.parts[:-1] != (*root, "notebooks"), len(e.parts)))
        found += [(lab.notebook, entry) for entry in notebooks if entry.parts == best.parts]
    return found


def _allowed(inside: tuple[str, ...]) -> bool:
    """Whether a path inside the lab's folder is a module or a configuration."""
    if not 1 <= len(inside) <= 3 or not all(_FOLDER.fullmatch(part) for part in inside[:-1]):
        return False
    return bool(_NAME.fullmatch(inside[-1])) and inside[-1].endswith((".py", ".yaml", ".yml"))


def _collisions(places: dict[str, Entry]) -> list[str]:
    """Places that differ from another only in case; the one in small letters stays."""
    groups: dict[str, list[str]] = {}
    for place in places:
        groups.setdefault(place.casefold(), []).append(place)
    clashing = [
        sorted(group, key=lambda p: (p != p.lower(), p)) for group in groups.values() if len(group) > 1
    ]
    return [place for group in clashing for place in group[1:]]


def _content(place: str, entry: Entry, notes: list[str]) -> bytes | None:
    limit = MAX_NOTEBOOK if place.endswith(".ipynb") else MAX_MODULE
    if entry.size > limit:
        notes.append(f"{place} has {entry.size:,} bytes; at most {limit:,} are read. It was left out.")
        return None
    try:
        content = entry.read(limit)
    except OSError as error:
        notes.append(f"{place} can't be read ({error.strerror or error}); it was left out.")
        return None
    except Exception:  # zipfile and zlib raise a dozen kinds on what a stranger packed
        notes.append(f"{place} is damaged in the zip and can't be unpacked; it was left out.")
        return None
    if len(content) > limit:
        notes.append(f"{place} is larger than the zip says; it was left out.")
        return None
    return content


def _nothing_found(entries: list[Entry], lab: Lab) -> str:
    others = sorted(
        {p for e in entries for p in e.parts if re.fullmatch(r"lab\d+_\w+", p) and p != lab.package}
    )
    if others:
        known = [other.key for other in load_course().labs if other.package in others]
        what = f"{others[0]} ({known[0]})" if known else others[0]
        named = f"{lab.package} ({lab.key})"
        return f"This is a submission of {what[:80]}, not of {named}: no module of this lab is in it."
    return (
        f"No module of {lab.package} is in the submission; expected starter/{lab.package}/method.py "
        "and the others."
    )


def _manifest_notes(path: Path, lab: Lab) -> list[str]:
    """What the manifest says against us. It is a claim: it can only add a note."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return ["manifest.json can't be read; it was ignored."]
    release = manifest.get("release") if isinstance(manifest, dict) else None
    ours = load_course().release
    if isinstance(release, str) and release != ours and re.fullmatch(r"[\w.-]{1,20}", release):
        return [f"The submission was made from release {release} of the labs; this is release {ours}."]
    return []


def _findings(folder: Path, lab: Lab) -> dict[str, Finding]:
    """Why TODOs can't count, from the syntax trees; the first reason of each TODO."""
    found: dict[str, Finding] = {}
    modules = read_bounded(folder, [todo.file for todo in lab.todos])
    for finding in unfinished(folder, lab, modules):
        if finding.kind == "unwritten":
            continue  # an untouched stub raises NotImplementedError by itself
        words = str(finding) if finding.line else f"{finding.file}: {finding.words}"
        for todo in lab.todos:
            if todo.id == finding.todo or (not finding.todo and todo.file == finding.file):
                found.setdefault(todo.id, Finding(finding.kind, words, certain=not finding.todo))
    for finding in forbidden_imports(folder, lab, modules):
        found.setdefault(finding.todo, Finding(finding.kind, str(finding)))
    return found
