"""Runs a lab's own tests against many implementations: the solutions, the stubs, each mutant.

    outcomes = run_variants([Variant("solutions", "solutions"), Variant(str(path), path, only=("4.7",))], lab)
    outcomes["solutions"][0]       # Outcome(test="test_ties…", id="4.7", kind="hidden", passed=True, …)

A process is forked for each variant from a parent that has imported torch and loaded the models once, so a
variant costs its tests and no more, and none sees another's modules. The tests run in it on a staged tree,
with the `lab` fixture of labkit.testing; which functions of the lab each test called is noted too. Author's
code only: nothing here isolates anything (that is grading/client.py).
"""

from __future__ import annotations

import contextlib
import gc
import io
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import pytest

from labkit.course import Lab
from labkit.errors import LabError

from .lint_tests import test_files
from .stage import activated, staff_root, stage

TIMEOUT = 300.0  # seconds for one variant; a mutant that never ends is then a failure, with these words


@dataclass(frozen=True)
class Variant:
    """One implementation to test. only: ids whose tests run, () = all. stub: TODOs left as stubs."""

    name: str
    implementation: str | Path
    only: tuple[str, ...] = ()
    stub: tuple[str, ...] = ()
    solved_notebooks: bool = False


@dataclass(frozen=True)
class Outcome:
    """One test on one variant. kind: "visible" or "hidden"; calls: functions of the lab that it called."""

    test: str
    id: str
    kind: str
    passed: bool
    message: str
    calls: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        """The test function's name without parameters."""
        return self.test.partition("[")[0]


def warm() -> None:
    """Import and load what every variant needs, on one thread, so that forks are cheap and safe."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import hypothesis  # noqa: F401  what tests/conftest.py imports: 1.2 s in each fork, as pytest rewrites it
    import torch

    from labkit import fixtures

    torch.set_num_threads(1)
    fixtures.warm()
    gc.collect()
    gc.freeze()  # pytest collects garbage several times at its end: 0.3 s each over torch's objects


def run_variants(
    variants: Sequence[Variant],
    lab: Lab,
    root: Path | None = None,
    processes: int = 2,
    timeout: float = TIMEOUT,
) -> dict[str, list[Outcome]]:
    """The outcomes of each variant by its name, in the order of the tests.

    Runs `processes` at a time. Raises LabError: a variant's process died, ran past `timeout` seconds, or
    pytest could not collect; the message has its name and the last words of its output.
    """
    root = Path(root or staff_root())
    context = multiprocessing.get_context("fork")
    waiting, running, done = list(reversed(variants)), {}, {}
    try:
        while waiting or running:
            while waiting and len(running) < max(1, processes):
                variant = waiting.pop()
                here, there = context.Pipe(duplex=False)
                process = context.Process(target=_child, args=(there, variant, lab, root))
                process.start()
                there.close()
                running[here] = (variant, process, time.monotonic())
            for connection in wait(list(running), timeout=1.0):
                variant, process, _ = running.pop(connection)
                done[variant.name] = _result(connection, variant)
                process.join()
            for variant, _, started in running.values():
                if time.monotonic() - started > timeout:
                    raise LabError(f"tests of {variant.name} to end", f"still running after {timeout:.0f} s")
    finally:
        for _, process, _ in running.values():
            process.kill()
            process.join()
    return {variant.name: done[variant.name] for variant in variants}


def _result(connection: Connection, variant: Variant) -> list[Outcome]:
    try:
        outcomes, trouble = connection.recv()
    except EOFError:
        raise LabError(f"tests of {variant.name} to run", "their process died") from None
    if trouble:
        raise LabError(f"tests of {variant.name} to run", trouble)
    return outcomes


def _child(connection: Connection, variant: Variant, lab: Lab, root: Path) -> None:
    """In the fork: stage, run pytest, send (outcomes, what went wrong)."""
    said = io.StringIO()
    try:
        with (
            stage(
                variant.implementation,
                [lab.key],
                stub=variant.stub,
                solved_notebooks=variant.solved_notebooks,
                root=root,
            ) as tree,
            activated(tree),
            contextlib.chdir(tree),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            watcher = _Watcher(variant.only, {kind: root / name for kind, name in test_files(lab).items()})
            files = [str(path) for path in watcher.files.values() if path.is_file()]
            options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib", "--tb=no"]
            code = pytest.main([*files, *options, f"--rootdir={root}", "-p", "labkit.testing"], [watcher])
        bad = code not in (
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        )
        connection.send((watcher.outcomes, said.getvalue()[-2000:] if bad else ""))
    except LabError as error:
        connection.send(([], str(error)))
    except Exception as error:  # the parent says it; a fork has nobody else to tell
        connection.send(([], f"{type(error).__name__}: {error}\n{said.getvalue()[-2000:]}"))
    finally:
        connection.close()
        sys.stdout.flush()
        os._exit(0)  # no exit handlers of the parent's libraries


class _Watcher:
    """A pytest plugin: keeps the wanted tests, notes each one's outcome, message and calls."""

    def __init__(self, only: Sequence[str], files: dict[str, Path]):
        self.only, self.files = set(only), files
        self.outcomes: list[Outcome] = []
        self._calls: set[str] = set()
        self._failed = ""

    def pytest_configure(self) -> None:
        from labkit import testing

        original, calls = testing.LocalModule.__getattr__, self._calls

        def noting(module, function):
            calls.add(function)
            return original(module, function)

        testing.LocalModule.__getattr__ = noting  # this process ends with the variant

    def pytest_collection_modifyitems(self, items) -> None:
        if self.only:
            items[:] = [item for item in items if testing_id(item) in self.only]

    def pytest_runtest_setup(self, item) -> None:
        self._calls.clear()
        self._failed = ""

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        if report.skipped:
            self._failed = self._failed or f"skipped: {report.longrepr}"
        elif report.failed and call.excinfo is not None:
            self._failed = self._failed or str(call.excinfo.value) or call.excinfo.typename
        if report.when == "teardown":
            kind = "visible" if Path(str(item.fspath)) == self.files["visible"] else "hidden"
            calls = tuple(sorted(self._calls))
            passed = not self._failed
            self.outcomes.append(Outcome(item.name, testing_id(item), kind, passed, self._failed, calls))


def testing_id(item: pytest.Item) -> str:
    """The TODO or value id of a test, "" without one."""
    from labkit.testing import item_id_of

    return item_id_of(item) or ""
