"""The student's modules in this process: importing them afresh, and speaking of their errors.

Example:
    forget_starter()
    method = fresh_module("lab4_best_of_n", "method")      # the file as it is now
    raise student_error("ValueError", "method.py", 31)      # pytest.raises(ValueError) catches it

Of a student's own error only type, file, line and words are kept: enough to find it, and the same whether the
code ran here or in the grader's worker. Left out: isolation, and anything that
decides a mark (the grader's part).
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

from .course import project_root
from .errors import LabError


class StudentError(Exception):
    """An exception raised by the student's code: its type, and the line of their file that raised it.

    Made by `student_error`, as a subclass of the builtin type too, so `pytest.raises(ValueError)` catches it.
    """

    student_type = "Exception"
    student_file = ""
    student_line = 0
    student_message = ""

    def __init__(self, student_type="Exception", student_file="", student_line=0, student_message=""):
        Exception.__init__(self)
        self.student_type, self.student_file = student_type, student_file
        self.student_line, self.student_message = student_line, student_message

    def __str__(self) -> str:
        if not self.student_file:
            said = f": {self.student_message}" if self.student_message else ""
            return f"working with what your code returned raised {self.student_type}{said}"
        where = f" at line {self.student_line} of {self.student_file}"
        said = f": {self.student_message}" if self.student_message else ""
        return f"your code raised {self.student_type}{where}{said}"


def student_error(type_name: str, file: str = "", line: int = 0, message: str = "") -> StudentError:
    """A `StudentError` that is also a builtin `type_name`, when there is an Exception of that name.

    Args:
        type_name: "ValueError"; an unknown name gives a plain `StudentError` with `.student_type` set.
        file, line: the student's own file (such as "method.py") and the line in it; "" and 0 when unknown.
        message: what the exception said; the grader leaves it empty, because it is a claim of the submission.
    """
    base = getattr(builtins, type_name, None)
    plain = not (isinstance(base, type) and issubclass(base, Exception)) or issubclass(
        base, BaseExceptionGroup
    )
    # Some builtin exceptions take arguments of their own: theirs are left out, whatever they were.
    build = {"__new__": lambda cls, *_: base.__new__(cls)}
    kind = StudentError if plain else type(type_name, (StudentError, base), build)
    return kind(type_name, file, line, message)


def student_error_from(error: BaseException, folder: Path) -> StudentError:
    """`error` as a `StudentError`: its line is the innermost one in a file below `folder`."""
    file, line = "", 0
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_absolute() and path.resolve().is_relative_to(folder):
            file, line = path.resolve().relative_to(folder).as_posix(), frame.lineno or 0
    if isinstance(error, SyntaxError) and error.filename:
        file, line = Path(error.filename).name, error.lineno or 0
    return student_error(type(error).__name__, file, line, str(error))


def fresh_module(package: str, module: str) -> Any:
    """`starter.<package>.<module>`, imported from the file as it is now (never from a compiled copy).

    Raises StudentError: importing the student's file raised. LabError: there is no such file.
    """
    folder = starter_folder(package)
    path = folder / f"{module}.py"
    if not path.is_file():
        raise LabError(f"starter/{package}/{module}.py", "no such file", folder, "labs doctor")
    for source in folder.glob("*.py"):  # a copy of the same second and size would hide an edit
        Path(importlib.util.cache_from_source(str(source))).unlink(missing_ok=True)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(f"starter.{package}.{module}")
    except Exception as error:
        raise student_error_from(error, folder) from error


def forget_starter() -> None:
    """Drops every imported `starter` module, so that the next import reads the files again."""
    for name in [name for name in sys.modules if name == "starter" or name.startswith("starter.")]:
        del sys.modules[name]


def starter_folder(package: str) -> Path:
    """The folder of `starter.<package>` as Python would import it now. Raises LabError: there is none."""
    try:
        spec = importlib.util.find_spec(f"starter.{package}")
    except ModuleNotFoundError:
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise LabError(
            f"the folder starter/{package}", "none on the import path", project_root(), "labs doctor"
        )
    return Path(next(iter(spec.submodule_search_locations))).resolve()
