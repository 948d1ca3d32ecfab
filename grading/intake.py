"""A submission as it was uploaded → a clean tree that holds only what a submission may hold.

    taken = take(Path("submission.zip"), load_course().lab("lab4"), into=Path(folder))
    taken.tree / "starter/lab4_best_of_n/method.py"     the student's modules
    taken.tree / "notebooks/lab4_best_of_n.ipynb"       the notebook, unread; taken.notebook is None without one
    taken.notes                                          what was left out or repaired, in plain words
    taken.findings["4.3"]                                why this TODO can't count: ("forbidden", "TODO 4.3 is to …")

Kept: `starter/<package>/**.py|yaml`, the lab's notebook, `manifest.json`; wherever the student's zip program put
them. Everything else is left out and said so. Whatever arrives, there is a tree, if need be an empty one, so that
every check gets its row. Nothing of a submission runs here: sizes and counts are read from the zip's directory before
anything is unpacked, and Python files are only parsed. Source: PKWARE's APPNOTE 6.3.10, sections 4.3.12 to 4.3.16.
Not covered: what the code does (the sandbox), what the notebook holds (`notebook.py`).
"""

import hashlib
import json
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labkit.course import Lab, load_course
from labkit.errors import LabError
from labkit.sources import forbidden_imports, unfinished

MIB = 2**20
MAX_UPLOAD = 40 * MIB  # `labs submit` refuses more than 20
MAX_FILES = 1_000  # a lab is a dozen; a zipped course folder with plots a few hundred
MAX_DIRECTORY = 1 * MIB  # of the zip's own table of contents
MAX_MODULE = 512 * 1024  # one .py or .yaml; the longest of ours has 20 KiB
MAX_NOTEBOOK = 20 * MIB
MAX_TOTAL = 40 * MIB  # unpacked

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,80}")
_JUNK = ("__MACOSX", "__pycache__", ".ipynb_checkpoints", ".git", ".venv", ".DS_Store")


@dataclass(frozen=True)
class Finding:
    """Why a TODO can't count. state: "missing", "syntax" or "forbidden", as in results.json."""

    state: str
    words: str


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


@dataclass(frozen=True)
class _Entry:
    """One file of the upload that could be meant: its path in the upload, its size, and how to read it."""

    parts: tuple[str, ...]
    size: int
    read: Callable[[int], bytes]


def take(submission: Path, lab: Lab, into: Path) -> Intake:
    """Puts what counts of `submission`, a zip or a folder, into `into` (an empty or new folder).

    Raises LabError: no such path. Nothing that the submission holds raises.
    """
    submission = Path(submission)
    if not submission.exists():
        raise LabError("a submission: a zip, or a folder with starter/", "no such path", submission)
    notes: list[str] = []
    if submission.is_dir():
        entries = _of_folder(submission, notes)
        digest, size = _folder_hash(entries)
    else:
        size = submission.stat().st_size
        digest = _file_hash(submission)
        entries = _of_zip(submission, size, notes)
    (into / "starter" / lab.package).mkdir(parents=True, exist_ok=True)
    (into / "starter" / "__init__.py").write_text("", encoding="utf-8")
    files = _keep(entries, lab, into, notes)
    if not (into / "starter" / lab.package / "__init__.py").exists():
        (into / "starter" / lab.package / "__init__.py").write_text("", encoding="utf-8")
    return Intake(
        tree=into,
        name=submission.name,
        sha256=digest,
        size=size,
        files=tuple(sorted(files)),
        notes=tuple(dict.fromkeys(notes)),
        findings=_findings(into / "starter" / lab.package, lab),
    )


# --- reading a zip ---


def _of_zip(path: Path, size: int, notes: list[str]) -> list[_Entry]:
    """The files that a zip's directory lists. The first note says why there are none."""
    if size == 0:
        notes.append("The uploaded file is empty (0 bytes). Run `labs submit` and upload the zip it makes.")
        return []
    if size > MAX_UPLOAD:
        notes.append(
            f"The uploaded file has {size / MIB:.0f} MB; at most {MAX_UPLOAD // MIB} MB are read. "
            "`labs submit` packs only what is graded."
        )
        return []
    problem = _directory_problem(path, size)
    if problem:
        notes.append(problem)
        return []
    entries = []
    try:
        archive = zipfile.ZipFile(path)
        infos = archive.infolist()
    except (zipfile.BadZipFile, UnicodeDecodeError, struct.error, ValueError, NotImplementedError, OSError):
        notes.append(
            "The uploaded zip is damaged: its table of contents can't be read. Make it again and upload it."
        )
        return []
    if len(infos) > MAX_FILES:
        notes.append(_too_many(len(infos)))
        return []
    for info in infos:
        parts = _safe_parts(info.orig_filename, notes)
        if parts is None or info.is_dir():
            continue
        shown = "/".join(parts)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            notes.append(f"{shown} is a link or a special file, not a file; it was left out.")
        elif info.flag_bits & 0x1:
            notes.append(f"{shown} is encrypted; it was left out. Make the zip without a password.")
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            notes.append(f"{shown} is compressed in an unusual way; it was left out.")
        else:
            entries.append(_Entry(parts, info.file_size, _zip_reader(archive, info)))
    return entries


def _directory_problem(path: Path, size: int) -> str:
    """What is wrong with the zip's end record, read before Python's zipfile builds an object for every file."""
    with path.open("rb") as file:
        file.seek(max(0, size - 65_557))
        tail = file.read()
    plain_end = tail[-22:-18] == b"PK\x05\x06" and tail[-2:] == b"\0\0"
    start = len(tail) - 22 if plain_end else tail.rfind(b"PK\x05\x06")
    if start < 0 or len(tail) - start < 22:
        if not tail or not path.open("rb").read(4).startswith(b"PK"):
            return "The uploaded file is not a zip. Run `labs submit` and upload the zip it makes."
        return "The uploaded zip is cut off: its end is missing. Upload it again."
    _, _, _, _, entries, directory, _, _ = struct.unpack("<4s4H2LH", tail[start : start + 22])
    if tail[max(0, start - 20) : start].startswith(b"PK\x06\x07") or entries == 0xFFFF:
        return _too_many(entries)
    if entries > MAX_FILES:
        return _too_many(entries)
    if directory > MAX_DIRECTORY:
        return "The uploaded zip has an absurdly long table of contents; it was not unpacked."
    if entries == 0:
        return "The uploaded zip is empty. Run `labs submit` and upload the zip it makes."
    return ""


def _too_many(count: int) -> str:
    return (
        f"The uploaded zip holds {count:,} files; at most {MAX_FILES:,} are read, so nothing was unpacked. "
        "`labs submit` packs only what is graded."
    )


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        with archive.open(info) as file:
            return file.read(limit + 1)  # what the zip says about the size is a claim

    return read


def _safe_parts(name: str, notes: list[str]) -> tuple[str, ...] | None:
    """The parts of a path in the upload, or None when it points elsewhere or is junk."""
    shown = name.encode("ascii", "backslashreplace").decode()[:80]
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
        notes.append(f"{shown} points outside the submission; it was left out.")
        return None
    if "\0" in name:
        notes.append(f"{shown} has a name that no file can have; it was left out.")
        return None
    if not path.parts or any(part in _JUNK for part in path.parts):
        return None
    return path.parts


# --- reading a folder ---


def _of_folder(folder: Path, notes: list[str]) -> list[_Entry]:
    entries: list[_Entry] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _JUNK)
        for name in sorted(names):
            path = Path(place) / name
            parts = path.relative_to(folder).parts
            if name in _JUNK:
                continue
            if not stat.S_ISREG(path.lstat().st_mode):
                notes.append(f"{'/'.join(parts)} is a link or a special file, not a file; it was left out.")
                continue
            if len(entries) == MAX_FILES:
                notes.append(
                    f"The folder holds more than {MAX_FILES:,} files; only the first were looked at."
                )
                return entries
            entries.append(_Entry(parts, path.stat().st_size, _file_reader(path)))
    if not entries:
        notes.append("The submitted folder is empty.")
    return entries


def _file_reader(path: Path) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        with path.open("rb") as file:
            return file.read(limit + 1)

    return read


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_hash(entries: list[_Entry]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for entry in sorted(entries, key=lambda e: e.parts):
        content = entry.read(MAX_TOTAL) if entry.size <= MAX_NOTEBOOK else b""
        for part in ("/".join(entry.parts).encode("utf-8", "surrogateescape"), content):
            digest.update(len(part).to_bytes(8, "big") + part)
        size += entry.size
    return digest.hexdigest(), size


# --- choosing what counts ---


def _keep(entries: list[_Entry], lab: Lab, into: Path, notes: list[str]) -> list[str]:
    """Writes the files that count and returns their places in the tree."""
    chosen: dict[str, _Entry] = {}
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
                f"The submission unpacks to more than {MAX_TOTAL // MIB} MB; {place} and later files were left out."
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


def _places(entries: list[_Entry], lab: Lab) -> list[tuple[str, _Entry]]:
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
    names = all(_NAME.fullmatch(part) for part in inside)
    return names and 1 <= len(inside) <= 3 and inside[-1].endswith((".py", ".yaml", ".yml"))


def _collisions(places: dict[str, _Entry]) -> list[str]:
    """Places that differ from another only in case; the one in small letters stays."""
    groups: dict[str, list[str]] = {}
    for place in places:
        groups.setdefault(place.casefold(), []).append(place)
    clashing = [
        sorted(group, key=lambda p: (p != p.lower(), p)) for group in groups.values() if len(group) > 1
    ]
    return [place for group in clashing for place in group[1:]]


def _content(place: str, entry: _Entry, notes: list[str]) -> bytes | None:
    limit = MAX_NOTEBOOK if place.endswith(".ipynb") else MAX_MODULE
    if entry.size > limit:
        notes.append(f"{place} has {entry.size:,} bytes; at most {limit:,} are read. It was left out.")
        return None
    try:
        content = entry.read(limit)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        struct.error,
    ):
        notes.append(f"{place} is damaged in the zip and can't be unpacked; it was left out.")
        return None
    if len(content) > limit:
        notes.append(f"{place} is larger than the zip says; it was left out.")
        return None
    return content


def _nothing_found(entries: list[_Entry], lab: Lab) -> str:
    others = sorted(
        {p for e in entries for p in e.parts if re.fullmatch(r"lab\d+_\w+", p) and p != lab.package}
    )
    if others:
        known = [other.key for other in load_course().labs if other.package in others]
        what = f"{others[0]} ({known[0]})" if known else others[0]
        return f"This is a submission of {what[:80]}, not of {lab.package} ({lab.key}): no module of this lab is in it."
    return f"No module of {lab.package} is in the submission; expected starter/{lab.package}/method.py and the others."


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
    for finding in unfinished(folder, lab):
        missing = "missing" in finding.words or "there is no function" in finding.words
        if finding.todo and not missing:
            continue  # an untouched stub raises NotImplementedError by itself
        words = str(finding) if finding.line else f"{finding.file}: {finding.words}"
        for todo in lab.todos:
            if todo.id == finding.todo or (not finding.todo and todo.file == finding.file):
                found.setdefault(todo.id, Finding("missing" if missing else "syntax", words))
    for finding in forbidden_imports(folder, lab):
        found.setdefault(finding.todo, Finding("forbidden", str(finding)))
    return found
