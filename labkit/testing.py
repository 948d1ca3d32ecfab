"""The pytest plugin behind the labs' tests, and the asserts that name a likely mistake.

Example:
    @pytest.mark.todo("4.7", points=2)
    def test_ties_go_to_the_earliest_answer(lab):
        got = lab.method.majority_vote(["7", "5", "5", "7"])
        assert_equal(got, "7", mistake(got, {"the latest of the tied answers won": "5"}))

Here `lab` runs the student's functions in this process, freshly imported from `starter/` for every test. The
grader runs the files with a `lab` of the same API whose calls go to a sandboxed worker: it puts a factory in
`config.stash[LAB_FACTORY]` (and `NOTEBOOK_FACTORY`) and calls `hide_expected(True)`, after which no message
holds an expected value. Left out: anything that decides a mark.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from . import fixtures
from .course import Course, Lab, load_course
from .errors import LabError
from .notebook import LocalNotebook
from .plain import plain
from .student import (
    StudentError,
    forget_starter,
    fresh_module,
    starter_folder,
    student_error,
    student_error_from,
)

__all__ = [
    "LAB_FACTORY",
    "NOTEBOOK_FACTORY",
    "LocalLab",
    "LocalNotebook",
    "StudentError",
    "assert_close",
    "assert_equal",
    "hide_expected",
    "item_id_of",
    "lab_of",
    "mistake",
    "seed_from",
    "student_error",
]

LAB_FACTORY: pytest.StashKey[Callable[[pytest.FixtureRequest], Any]] = pytest.StashKey()
NOTEBOOK_FACTORY: pytest.StashKey[Callable[[pytest.FixtureRequest], Any]] = pytest.StashKey()

_expected_is_hidden = False


def hide_expected(hidden: bool = True) -> None:
    """From now on no message of `assert_equal` and `assert_close` holds a value (the grader's mode)."""
    global _expected_is_hidden
    _expected_is_hidden = hidden


# ---- asserts -----------------------------------------------------------------------------------------------


def mistake(got: Any, likely: Mapping[str, Any], otherwise: str = "") -> str:
    """The words of the first likely mistake that would give exactly `got`, or `otherwise`.

    Args:
        likely: {"the latest of the tied answers won": what that mistake returns, …}
    """
    for words, value in likely.items():
        if _same(got, value) or _near(got, value, 1e-6, 1e-9):
            return words
    return otherwise


def assert_equal(got: Any, want: Any, hint: str = "") -> None:
    """Equal in value and in kind (1 is not True, "7" is not 7, tensors by shape, kind and value).

    Raises AssertionError: `hint`; in visible tests also what came back and what was expected.
    """
    __tracebackhide__ = True
    if not _same(got, want):
        _fail(got, want, hint)


def assert_close(got: Any, want: Any, hint: str = "", rtol: float = 1e-5, atol: float = 1e-7) -> None:
    """Numbers, lists of numbers, arrays or tensors near each other: |got − want| ≤ atol + rtol · |want|.

    NaN is near nothing; None and text are near only themselves; shapes must be the same.
    Raises AssertionError: as `assert_equal`.
    """
    __tracebackhide__ = True
    if not _near(got, want, rtol, atol):
        _fail(got, want, hint)


def _fail(got: Any, want: Any, hint: str) -> None:
    __tracebackhide__ = True
    said = hint or "the result is not the expected one"
    if not _expected_is_hidden:
        said += f"\n  your function gave: {_short(got)}\n  expected:           {_short(want)}"
    raise AssertionError(said)


def _short(value: Any, limit: int = 400) -> str:
    try:
        text = repr(value)
    except Exception as error:  # a student's object may have a broken __repr__
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _is_array(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return isinstance(value, np.ndarray) or (torch is not None and isinstance(value, torch.Tensor))


def _array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    value = value.detach().cpu()
    return (value.float() if value.is_floating_point() else value).numpy()


def _same(got: Any, want: Any) -> bool:
    if _is_array(got) or _is_array(want):
        if type(got) is not type(want) or got.dtype != want.dtype:
            return False
        got, want = _array(got), _array(want)
        return got.shape == want.shape and bool(np.array_equal(got, want))
    if isinstance(want, (list, tuple)):
        same_kind = type(got) is type(want) and len(got) == len(want)
        return same_kind and all(_same(a, b) for a, b in zip(got, want, strict=True))
    if isinstance(want, dict):
        same_kind = type(got) is dict and got.keys() == want.keys()
        return same_kind and all(_same(got[key], value) for key, value in want.items())
    return type(got) is type(want) and bool(got == want)


def _near(got: Any, want: Any, rtol: float, atol: float) -> bool:
    if _is_array(want) or _is_array(got):
        if not _is_array(got) or not _is_array(want):
            return False
        got, want = _array(got), _array(want)
        return got.shape == want.shape and bool(np.allclose(got, want, rtol=rtol, atol=atol))
    if isinstance(want, (list, tuple)):
        same_kind = isinstance(got, (list, tuple)) and len(got) == len(want)
        return same_kind and all(_near(a, b, rtol, atol) for a, b in zip(got, want, strict=True))
    if isinstance(want, dict):
        same_kind = isinstance(got, dict) and got.keys() == want.keys()
        return same_kind and all(_near(got[key], value, rtol, atol) for key, value in want.items())
    if _is_number(got) and _is_number(want):
        if math.isinf(want) or math.isinf(got):
            return got == want
        return abs(float(got) - float(want)) <= atol + rtol * abs(float(want))
    return type(got) is type(want) and bool(got == want)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


# ---- the `lab` of the tests, in this process ----


class LocalModule:
    """One module of a lab: only the TODOs' functions and those named under `callable` can be called.

    What a function returns is made plain (`labkit.plain`), as on its way to the grader.
    """

    def __init__(self, lab: Lab, name: str):
        self._lab, self._name = lab, name

    def __getattr__(self, function: str) -> Callable[..., Any]:
        full = f"{self._name}.{function}"
        if full not in self._lab.allowed_calls:
            raise LabError(f"a TODO of {self._lab.key} or a name under `callable`", full, "course.yaml")

        def call(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            folder = starter_folder(self._lab.package)
            module = sys.modules.get(f"starter.{self._lab.package}.{self._name}")
            module = module or fresh_module(self._lab.package, self._name)
            try:
                return plain(getattr(module, function)(*args, **kwargs))
            except (Exception, SystemExit) as error:
                raise student_error_from(error, folder) from error

        call.__name__ = function
        return call


class LocalLab:
    """The `lab` of the tests in this process: `lab.method.f(…)`, `lab.make(name, …)`, `lab.rng`."""

    def __init__(self, lab: Lab, test_id: str):
        self.info = lab
        self.seed = seed_from(test_id)
        self.rng = np.random.default_rng(self.seed)

    def make(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The result of the staff function registered as `name` in `labkit.fixtures`."""
        __tracebackhide__ = True
        try:
            return plain(fixtures.make(name, *args, **kwargs))
        except LabError:
            raise
        except Exception as error:
            raise student_error_from(error, starter_folder(self.info.package)) from error

    def __getattr__(self, name: str) -> LocalModule:
        if name.startswith("_") or name not in self.info.modules:
            raise AttributeError(
                f"{self.info.key} has no module {name!r}; it has {', '.join(self.info.modules)}"
            )
        return LocalModule(self.info, name)


def seed_from(test_id: str) -> int:
    """A seed in [0, 2³²) from a test's id, the same on every machine."""
    return int.from_bytes(hashlib.sha256(test_id.encode()).digest()[:4], "big")


# ---- plugin ------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "todo(id, points): a check of one TODO's function")
    config.addinivalue_line("markers", "value(id, points): a check of one value computed in the notebook")


def item_id_of(item: pytest.Item) -> str | None:
    """The TODO or value id that a test is marked with, or None."""
    marker = item.get_closest_marker("todo") or item.get_closest_marker("value")
    return str(marker.args[0]) if marker and marker.args else None


def lab_of(item: pytest.Item, course: Course) -> Lab:
    """The lab that a test belongs to. Raises LabError: it has no `todo` or `value` marker."""
    item_id = item_id_of(item)
    if item_id is None:
        raise LabError("a test marked @pytest.mark.todo(id, points=…)", "no marker", item.nodeid)
    return course.lab(course.item(item_id).lab)


@pytest.fixture
def lab(request: pytest.FixtureRequest):
    """The student's functions: in this process, or behind the factory that the grader put in the stash."""
    factory = request.config.stash.get(LAB_FACTORY, None)
    if factory is not None:
        made = factory(request)
        with made if hasattr(made, "__enter__") else contextlib.nullcontext(made) as remote:
            yield remote
        return
    forget_starter()
    test_id = f"{Path(str(request.node.fspath)).name}::{request.node.name}"
    yield LocalLab(lab_of(request.node, load_course()), test_id)


@pytest.fixture
def notebook(request: pytest.FixtureRequest):
    """What the notebook's answer cells computed on records that the test file's `make_records(rng)` made."""
    factory = request.config.stash.get(NOTEBOOK_FACTORY, None)
    if factory is not None:
        made = factory(request)
        with made if hasattr(made, "__enter__") else contextlib.nullcontext(made) as remote:
            yield remote
        return
    forget_starter()
    yield LocalNotebook(lab_of(request.node, load_course()), request.module, seed_from(request.node.name))
