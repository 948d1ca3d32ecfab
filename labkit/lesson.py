"""What a lab's notebook needs around the lab: `start` it, and set a worked example `beside` the function.

Example:
    start("lab4")                                  # says where we are, and on which device
    beside(majority_vote, ["7", "5", "5"], by_hand="5", because="two votes against one")

prints
    majority_vote(['7', '5', '5'])
      by hand: '5'   (two votes against one)
      yours:   '5'   same

An unfinished TODO says so in its own words and stops nothing; any other error of the function is raised as it
is. Left out: any judgement beyond this one input; that is `check`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .course import load_course, project_root
from .device import pick_device


def start(lab: str) -> None:
    """Begin a notebook: say where we are, and let every edit in `starter/` count without a restart.

    Works where the course is installed, and where its folder was only opened: the folder then goes to the end
    of the import path. Outside Jupyter only that is done.
    Raises LabError: no such lab, or no course in this folder or above it.
    """
    root = str(project_root())
    if root not in sys.path:
        sys.path.append(root)
    course = load_course()
    chosen = course.lab(lab)
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.run_line_magic("load_ext", "autoreload")
        shell.run_line_magic("autoreload", "2")
    print(f"{course.title} {course.release} · Lab {chosen.number}: {chosen.title}")
    print(f"You edit the files in {Path('starter') / chosen.package}, nothing else.")
    pick_device()


def beside(
    function: Callable[..., Any], *args: Any, by_hand: Any, because: str, places: int = 4, **kwargs: Any
) -> None:
    """Print one call of `function`, the result by hand with its reason, and the function's own result.

    Args:
        function: the student's; called once as function(*args, **kwargs).
        by_hand: the result worked out on paper, a plain value.
        because: the reasoning, a few words.
        places: decimals that numbers are shown with and compared to.
    Raises:
        Whatever `function` raises, except NotImplementedError, whose message is printed.
    """
    shown = [_short(arg) for arg in args] + [f"{name}={_short(arg)}" for name, arg in kwargs.items()]
    print(f"{function.__name__}({', '.join(shown)})")
    print(f"  by hand: {_short(by_hand, places)}   ({because})")
    try:
        got = function(*args, **kwargs)
    except NotImplementedError as unfinished:
        print(f"  yours:   not written yet. {unfinished}")
        return
    verdict = "same" if _alike(got, by_hand, places) else "DIFFERENT: which of the two is right, and why?"
    print(f"  yours:   {_short(got, places)}   {verdict}")


def _short(value: Any, places: int = 4) -> str:
    if isinstance(value, float):
        return f"{value:.{places}f}"
    if isinstance(value, list):
        return "[" + ", ".join(_short(item, places) for item in value) + "]"
    return getattr(value, "__name__", None) or repr(value)


def _alike(got: Any, want: Any, places: int) -> bool:
    if isinstance(got, list) and isinstance(want, list):
        return len(got) == len(want) and all(_alike(a, b, places) for a, b in zip(got, want, strict=True))
    if isinstance(got, float) and isinstance(want, float):
        return math.isclose(got, want, abs_tol=0.6 * 10**-places)
    return type(got) is type(want) and got == want
