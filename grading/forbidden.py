"""Inside the sandbox: refuses imports that `course.yaml` forbids, when a submission asks for them as it runs.

    with blocked(["trl"], "/box/student"):
        module = importlib.import_module("starter.lab4_best_of_n.method")   # exec("import trl") in it raises

Intake reads plain import statements (`labkit/sources.py`); this meets `exec`, names put together from pieces
and the tools of the standard library. A library may import what it likes: what counts is the nearest file on
the stack that is not Python's own. Not covered: a submission that takes Python itself apart; it runs in the
same process, and could as well hold a copy of the library.
"""

import builtins
import contextlib
import os
import sys
import sysconfig
from collections.abc import Collection, Iterator

_FOLDERS = {sysconfig.get_path("stdlib"), os.path.dirname(os.__file__)}
STANDARD = tuple(path + os.sep for path in {*_FOLDERS, *map(os.path.realpath, _FOLDERS)})
INSTALLED = ("site-packages", "dist-packages")


class ForbiddenImport(ImportError):
    """A TODO is to be written without this library. Its name is what the grader's side reads."""


class _Finder:
    """Stands before all others on `sys.meta_path`; finds nothing."""

    def __init__(self, names: Collection[str], folder: str):
        self.names, self.folder = frozenset(names), os.path.join(folder, "")

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in self.names and _asker().startswith(self.folder):
            raise ForbiddenImport(f"to be written without {name}", name=name)


@contextlib.contextmanager
def blocked(names: Collection[str], folder: str) -> Iterator[None]:
    """Inside the block, imports of `names` by code in `folder` raise ForbiddenImport."""
    if not names:
        yield
        return
    finder, real = _Finder(names, folder), builtins.__import__

    def guarded(name, globals=None, locals=None, fromlist=(), level=0):
        if level == 0:  # also what is loaded already, which no finder is asked for
            finder.find_spec(name)
        return real(name, globals, locals, fromlist, level)

    sys.meta_path.insert(0, finder)
    builtins.__import__ = guarded
    try:
        yield
    finally:
        builtins.__import__ = real
        sys.meta_path[:] = [each for each in sys.meta_path if each is not finder]


def _asker() -> str:
    """The nearest file on the stack that is neither this one, nor Python's own, nor code without a file."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        own = file.startswith(STANDARD) and not any(f"{os.sep}{part}{os.sep}" in file for part in INSTALLED)
        if file != __file__ and not own and not file.startswith("<"):
            return file
        frame = frame.f_back
    return ""
