"""Removes what a student's code left: however deep, whatever its modes, and without ever raising OSError.

    remove(box.root)                  the folder with all that is in it
    empty("/tmp")                     all that is in it
    remove_files_of(60001)            what this user left where everybody may write; its processes have ended

`shutil.rmtree` recurses, so a thousand nested folders end the process that calls it. Here a folder that is
nested too deep is moved up first: no path gets long, and nothing is as deep as what it removes. Needs only
the standard library, because it runs inside the sandbox too (`worker.py`). What can't be removed stays.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator, Sequence

LEVELS = 64  # open folders at a time, far below any limit
OPEN_TO_ALL = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock")


def remove(path: str | os.PathLike) -> None:
    """Removes a file, a link, or a folder with all that is in it."""
    above, name = os.path.split(os.path.abspath(path))
    with contextlib.suppress(OSError), _opened(above) as folder:
        _remove(name, folder)


def empty(path: str | os.PathLike) -> None:
    """Removes all that is in a folder."""
    above, name = os.path.split(os.path.abspath(path))
    with contextlib.suppress(OSError), _opened(above) as outer, _opened(name, outer) as folder:
        _empty(folder)


def remove_files_of(uid: int, folders: Sequence[str] = OPEN_TO_ALL) -> None:
    """Removes what this user left in `folders`, which others use at the same time."""
    for path in folders:
        with contextlib.suppress(OSError), _opened(path) as folder:
            for name in os.listdir(folder):
                with contextlib.suppress(OSError):  # somebody else's that is gone by now
                    if os.stat(name, dir_fd=folder, follow_symlinks=False).st_uid == uid:
                        _remove(name, folder)


def _remove(name: str, above: int) -> None:
    """Removes the entry `name` of the open folder `above`. Raises OSError."""
    if not _is_folder(name, above):
        os.unlink(name, dir_fd=above)
        return
    with _opened(name, above) as folder:
        _empty(folder)
    os.rmdir(name, dir_fd=above)


def _empty(top: int) -> None:
    """Empties an open folder. What is deeper than `LEVELS` comes up to `top` before it is looked into."""
    waiting = os.listdir(top)
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(OSError):
            waiting += _remove_or_lift(name, top, top, LEVELS)


def _remove_or_lift(name: str, above: int, top: int, levels: int) -> list[str]:
    """Removes an entry of `above` and what is down to `levels` below it. Returns what it moved up to `top`.

    A move is slow (2 ms on ext4), so it is made once in so many levels.
    """
    if not _is_folder(name, above):
        os.unlink(name, dir_fd=above)
        return []
    with _opened(name, above) as folder:  # a closed folder may not be moved by its owner either
        if levels == 0:
            lifted = f"removed-{secrets.token_hex(8)}"
            os.rename(name, lifted, src_dir_fd=above, dst_dir_fd=top)
            return [lifted]
        moved = []
        for inner in os.listdir(folder):
            with contextlib.suppress(OSError):
                moved += _remove_or_lift(inner, folder, top, levels - 1)
    with contextlib.suppress(OSError):  # something inside could not be removed
        os.rmdir(name, dir_fd=above)
    return moved


def _is_folder(name: str, above: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)


@contextlib.contextmanager
def _opened(path: str | os.PathLike, above: int | None = None) -> Iterator[int]:
    """An open folder; one in `above` that its owner, who runs this, has closed is made accessible first."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        folder = os.open(path, flags, dir_fd=above)
    except PermissionError:  # not as root, whom a link in the folder's place could lead elsewhere
        if above is None:
            raise
        os.chmod(path, 0o700, dir_fd=above)
        folder = os.open(path, flags, dir_fd=above)
    try:
        found = os.fstat(folder)
        if found.st_uid == os.geteuid() and found.st_mode & 0o700 != 0o700:
            os.fchmod(folder, found.st_mode | 0o700)
        yield folder
    finally:
        os.close(folder)
