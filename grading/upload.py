"""What lies in an upload, a zip or a folder: a list of entries that can be read, and words for the others.

    entries = of_zip(path, size, notes)    # [Entry(parts=("starter", …, "method.py"), size=9120, read=…), …]

Nothing is unpacked here. The number of files and the length of a zip's directory are read from its end
record, before an object is built for each file; links, encrypted files, paths that lead outside and unusual
compressions are left out with a note. Source: PKWARE's APPNOTE 6.3.10, sections 4.3.12 to 4.3.16. Not
covered: which entries count (`intake.py`); archives in zip64, which no lab needs and which are refused.
"""

import collections
import contextlib
import hashlib
import itertools
import os
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MIB = 2**20
MAX_UPLOAD = 40 * MIB  # `labs submit` refuses more than 20
MAX_FILES = 1_000  # a lab is a dozen; a zipped course folder with plots a few hundred
MAX_DIRECTORY = 1 * MIB  # of the zip's own table of contents
MAX_DEPTH = 12  # of folders in a folder; a lab has four
MAX_HASHED = 20 * MIB  # of one file in a folder

_JUNK = ("__MACOSX", "__pycache__", ".ipynb_checkpoints", ".git", ".venv", ".DS_Store")


@dataclass(frozen=True)
class Entry:
    """One file of the upload that could be meant: its path in the upload, its size, and how to read it."""

    parts: tuple[str, ...]
    size: int
    read: Callable[[int], bytes]


# --- a zip ---


def of_zip(path: Path, size: int, notes: list[str]) -> list[Entry]:
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
    except Exception:  # zipfile raises a dozen kinds on what a stranger packed
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
            entries.append(Entry(parts, info.file_size, _zip_reader(archive, info)))
    return entries


def _directory_problem(path: Path, size: int) -> str:
    """What is wrong with the zip's end record, read before an object is built for every file."""
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


# --- a folder ---


def of_folder(folder: Path, notes: list[str]) -> list[Entry]:
    """The files below `folder`, the nearest first. What can't be looked at is left out with a note."""
    entries: list[Entry] = []
    queue, seen = collections.deque([(folder, ())]), 0
    while queue:
        place, above = queue.popleft()
        for found in _listed(place, above, notes):
            parts = (*above, found.name)
            shown, seen = "/".join(parts), seen + 1
            if seen > MAX_FILES:
                notes.append(
                    f"The folder holds more than {MAX_FILES:,} files and folders; the first were looked at."
                )
                return entries
            try:
                status = found.stat(follow_symlinks=False)
            except OSError as error:
                notes.append(f"{shown} can't be read ({error.strerror}); it was left out.")
                continue
            if stat.S_ISDIR(status.st_mode) and len(parts) > MAX_DEPTH:
                notes.append(f"{shown} is a folder {len(parts)} deep; it was not looked into.")
            elif stat.S_ISDIR(status.st_mode):
                queue.append((place / found.name, parts))
            elif stat.S_ISREG(status.st_mode):
                entries.append(Entry(parts, status.st_size, _file_reader(Path(found.path))))
            else:
                notes.append(f"{shown} is a link or a special file, not a file; it was left out.")
    if not entries:
        notes.append("The submitted folder is empty: there is no file in it.")
    return entries


def _listed(place: Path, parts: tuple[str, ...], notes: list[str]) -> list[os.DirEntry]:
    """What one folder holds, by name, without the junk that programs leave."""
    try:
        with os.scandir(place) as listing:
            found = list(itertools.islice(listing, MAX_FILES + len(_JUNK) + 1))
    except OSError as error:
        notes.append(f"The folder {'/'.join(parts) or 'itself'} can't be read ({error.strerror}).")
        return []
    return sorted((entry for entry in found if entry.name not in _JUNK), key=lambda entry: entry.name)


def _file_reader(path: Path) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        with path.open("rb") as file:
            return file.read(limit + 1)

    return read


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_hash(entries: list[Entry]) -> tuple[str, int]:
    """The hash of names and contents, and the bytes of all files; one that can't be read counts as empty."""
    digest, size = hashlib.sha256(), 0
    for entry in sorted(entries, key=lambda e: e.parts):
        content = b""
        with contextlib.suppress(OSError):
            content = entry.read(MAX_HASHED) if entry.size <= MAX_HASHED else b""
        for part in ("/".join(entry.parts).encode("utf-8", "surrogateescape"), content):
            digest.update(len(part).to_bytes(8, "big") + part)
        size += entry.size
    return digest.hexdigest(), size
