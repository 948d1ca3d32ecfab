"""Temporary folders that a killed run doesn't leave behind for ever.

    with scratch("submission-") as folder:            # in the system's place for temporary files
    with scratch(".build-", root) as folder:          # beside what it will replace

The folder itself is locked while its process lives, so a later run with the same prefix sees which folders
nobody uses any more, and removes them before it makes its own. Left out: folders of other users.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from grading import clearing

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and nothing of others removed
    fcntl = None

YOUNG = 60  # seconds: a folder may be made and not locked yet


@contextlib.contextmanager
def scratch(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """An empty folder `parent/<prefix>…`, removed at the end; stale ones of this prefix are removed first."""
    path, lock = make(prefix, parent)
    try:
        yield path
    finally:
        clearing.remove(path)
        os.close(lock)


def make(prefix: str, parent: Path | None = None) -> tuple[Path, int]:
    """A new folder and the open descriptor that holds its lock; close it when the folder is removed."""
    parent = Path(parent or tempfile.gettempdir())
    clear_stale(prefix, parent)
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    lock = os.open(path, os.O_RDONLY)
    if fcntl is not None:
        fcntl.flock(lock, fcntl.LOCK_SH)
    return path, lock


def clear_stale(prefix: str, parent: Path) -> None:
    """Removes our own folders of this prefix that no living process has locked."""
    for path in parent.glob(f"{prefix}*") if fcntl is not None else ():
        with contextlib.suppress(OSError):
            if path.is_symlink() or not path.is_dir():
                continue
            status = path.stat()
            if status.st_uid != os.geteuid() or time.time() - status.st_mtime < YOUNG:
                continue
            lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: its process lives
                clearing.remove(path)
            finally:
                os.close(lock)
