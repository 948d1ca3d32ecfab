"""Removes what a student's code left: however deep, whatever its modes, and without ever raising OSError.

    remove(box.root)                  the folder with all that is in it
    empty("/tmp")                     all that is in it
    remove_files_of(60001)            what this user left where everybody may write; its processes have ended

`shutil.rmtree` recurses, so a thousand nested folders end the process that calls it. Here a folder found
inside another one is moved up first: no path gets long, and nothing is as deep as what it removes. Needs
only the standard library, because it runs inside the sandbox too (`worker.py`). What can't be removed stays.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator, Sequence

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
    if not stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=above)
        return
    with _opened(name, above) as folder:
        _empty(folder)
    os.rmdir(name, dir_fd=above)


def _empty(top: int) -> None:
    """Empties an open folder. What is deeper comes up to `top` before it is looked into."""
    waiting = os.listdir(top)
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(OSError):
            if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=top)
                continue
            with _opened(name, top) as folder:
                waiting += _lift(folder, top)
            os.rmdir(name, dir_fd=top)


def _lift(folder: int, top: int) -> list[str]:
    """Moves the folders in `folder` up to `top`, under new names, and removes its files."""
    lifted = []
    for inner in os.listdir(folder):
        with contextlib.suppress(OSError):
            if not stat.S_ISDIR(os.stat(inner, dir_fd=folder, follow_symlinks=False).st_mode):
                os.unlink(inner, dir_fd=folder)
                continue
            with _opened(inner, folder):  # a closed folder may not be moved by its owner
                name = f"removed-{secrets.token_hex(8)}"
                os.rename(inner, name, src_dir_fd=folder, dst_dir_fd=top)
                lifted.append(name)
    return lifted


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
