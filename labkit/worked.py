"""A worked example in the notebook: what comes out by hand, beside what the student's function gives.

Example:
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
from collections.abc import Callable
from typing import Any


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
