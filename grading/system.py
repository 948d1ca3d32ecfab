"""What a sandbox takes from this machine: a Python, libraries, an environment, a user id.

    python_for_others()         "/usr/bin/python3.11": the Python that an unprivileged user can run
    system_paths(python)        ["/usr", "/lib", …, ".venv/lib/python3.11/site-packages"]
    take_user()                 (60003, lock): a user id that no other box holds

Not covered: the sandboxes themselves (`sandbox.py`, `launch.py`).
"""

import fcntl
import functools
import importlib.util
import os
import stat
import sys
from pathlib import Path
from typing import IO

from grading.confine import FIRST_UID

USERS = 200  # ids FIRST_UID … FIRST_UID+199: one per box, so boxes of one machine never share a user


@functools.cache
def site_packages() -> tuple[Path, ...]:
    """The folders that hold the course's libraries. Put on the path by hand: a box runs no .pth."""
    folders = []
    for name in ("torch", "transformers", "numpy", "ipykernel", "pyseccomp"):
        found = importlib.util.find_spec(name)
        if found is not None and found.origin and (folder := Path(found.origin).parents[1]) not in folders:
            if found.submodule_search_locations is None:  # a single file: pyseccomp.py
                folder = Path(found.origin).parent
            folders.append(folder)
    return tuple(dict.fromkeys(folders))


def python_for_others() -> str | None:
    """A Python of this very minor version that other users can run: ours, or else the system's."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if os.path.exists(candidate) and open_to_others(Path(os.path.realpath(candidate))):
            return candidate
    return None


def open_to_others(path: Path) -> bool:
    """Whether every folder on the way may be entered by everybody, and the end be read."""
    if any(not folder.stat().st_mode & stat.S_IXOTH for folder in path.parents):
        return False
    return bool(path.stat().st_mode & stat.S_IROTH)


def system_paths(python: str) -> list[str]:
    """What a program needs to start: libraries, the Python, the course's libraries."""
    paths = ["/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/ld.so.conf"]
    paths += ["/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime"]
    base = str(Path(os.path.realpath(python)).parents[1])
    wanted = [base, *map(str, site_packages())]
    if sys.prefix != sys.base_prefix:
        wanted.append(sys.prefix)
    covered = ("/usr/", "/lib/", "/bin/")
    return [
        p
        for p in dict.fromkeys(paths + wanted)
        if os.path.exists(p) and (p in paths or not p.startswith(covered))
    ]


ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "USER": "student",
    "LOGNAME": "student",
    # one thread each: a fork of a process with a thread pool would wait for threads that it doesn't have
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
    ),
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def take_user() -> tuple[int, IO[str]] | None:
    """A user id that no other box of this machine holds, and the lock that holds it; None if none is left."""
    folder = Path("/run/lock" if os.path.isdir("/run/lock") else "/tmp")
    for uid in range(FIRST_UID, FIRST_UID + USERS):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(folder / f"labs-user-{uid}", flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        return uid, os.fdopen(descriptor, "w")
    return None


def tree_open_to_others(path: Path) -> bool:
    """Whether everybody may read this file, or this folder and all below it (folders above don't matter)."""
    for inner in (path, *path.rglob("*")) if path.is_dir() else (path,):
        mode = inner.stat().st_mode
        if not mode & stat.S_IROTH or (stat.S_ISDIR(mode) and not mode & stat.S_IXOTH):
            return False
    return True
