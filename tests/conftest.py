"""Set-up of the visible tests: the `lab` fixture, and which implementation they run against.

pytest tests                                # whatever `starter` is importable: yours
pytest tests --against solutions            # staff only: the solutions, staged as `starter`
pytest tests --against path/to/starter      # staff only: a folder, a submission or a mutant
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys

import pytest
from hypothesis import configuration, settings

from labkit.course import project_root
from labkit.errors import LabError
from labkit.student import forget_starter

pytest_plugins = ("labkit.testing",)

# The same examples on every machine, and no folder of examples left in the working directory.
settings.register_profile("course", database=None, derandomize=True, deadline=None)
settings.load_profile("course")
configuration.set_hypothesis_home_dir(project_root() / ".hypothesis")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--against", metavar="starter|solutions|PATH", help="the implementation to test")


def pytest_configure(config: pytest.Config) -> None:
    against = config.getoption("--against")
    if against is None:
        return
    if against == "starter":
        forget_starter()
        sys.path.insert(0, str(project_root()))
        return
    if importlib.util.find_spec("grading") is None or importlib.util.find_spec("grading.stage") is None:
        raise pytest.UsageError(
            f"expected: --against starter\nfound:    --against {against}, which needs the staff's `grading` "
            "folder; this release holds your own `starter/` only"
        )
    from grading.stage import activated, stage

    staged = contextlib.ExitStack()
    try:
        tree = staged.enter_context(stage(against))
    except LabError as error:
        raise pytest.UsageError(str(error)) from None
    staged.enter_context(activated(tree))
    config.add_cleanup(staged.close)
