"""From wrong results to the words that name the mistake: what the hidden tests of all labs share.

    judge([Case(lambda: lab.method.f(x), right, lambda: {"ties went to the last": other}, f"x: {x}")], rule)

`judge` runs all cases of a test first. A mistake is named when it explains the result of *every* case: one
True or False alone would fit half of all mistakes. Left out: the tables of mistakes, which each lab has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from labkit.testing import assert_equal, mistake


class Case(NamedTuple):
    """One call: what it must give, what likely mistakes give (left out: the same), its input in words."""

    call: Callable[[], Any]
    right: Any
    likely: Callable[[], dict[str, Any]]
    shown: str


class Result(NamedTuple):
    got: Any
    case: Case
    is_right: bool


def judge(cases: Iterable[Case], rule: str, check: Callable[..., None] = assert_equal) -> None:
    """Every case gives what it must. Raises AssertionError: the mistake, or else the rule, and the input.

    check: `assert_equal`, or `assert_close` with its tolerances filled in.
    """
    results: list[Result] = []
    for case in cases:
        try:
            got = case.call()
        except Exception:
            if all(result.is_right for result in results):
                raise
            break  # the wrong results so far say more than a crash that followed from them
        results.append(Result(got, case, _passes(check, got, case.right)))
    failed = next((result for result in results if not result.is_right), None)
    if failed is not None:
        check(
            failed.got, failed.case.right, f"{_words(results, failed, check) or rule} ({failed.case.shown})"
        )


def _passes(check: Callable[..., None], got: Any, right: Any) -> bool:
    try:
        check(got, right)
    except AssertionError:
        return False
    return True


def _words(results: list[Result], failed: Result, check: Callable[..., None]) -> str:
    tables = [result.case.likely() for result in results]
    for words in dict.fromkeys(words for table in tables for words in table):
        if all(_explains(table, words, result, check) for table, result in zip(tables, results, strict=True)):
            return words
    if type(failed.case.right) in (bool, float):
        return ""  # one such value fits many mistakes by accident
    wrong = next(table for table, result in zip(tables, results, strict=True) if result is failed)
    right = failed.case.right  # what gives the same as a right function explains nothing
    return next(
        (w for w in wrong if not mistake(right, {w: wrong[w]}) and _explains(wrong, w, failed, check)), ""
    )


def _explains(table: dict[str, Any], words: str, result: Result, check: Callable[..., None]) -> bool:
    if words not in table:
        return result.is_right
    if hasattr(result.got, "shape"):  # a tensor: sums in another order differ in the last digits
        return _passes(check, result.got, table[words])
    return bool(mistake(result.got, {words: table[words]}))


def check_all(
    function: Callable[..., Any],
    inputs: Iterable[tuple],
    right: Callable[..., Any],
    likely: Callable[..., dict[str, Any]],
    rule: str,
    check: Callable[..., None] = assert_equal,
) -> None:
    """`function(*arguments)` is `right(*arguments)` for every tuple of `inputs`; as `judge` otherwise."""
    judge(
        [
            Case(
                lambda given=given: function(*given),
                right(*given),
                lambda given=given: likely(*given),
                "input: " + ", ".join(map(_short, given)),
            )
            for given in inputs
        ],
        rule,
        check,
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:160]}…"


def assert_refuses(call: Callable[[], Any], hint: str) -> None:
    """The call raises ValueError; any other exception of the student's code is shown as what it is."""
    try:
        call()
    except ValueError:
        return
    raise AssertionError(hint)


def value_mistake(got: float, likely: dict[str, float], otherwise: str) -> str:
    """As `labkit.testing.mistake`, for numbers that may be rounded to three decimals."""
    return next(
        (words for words, value in likely.items() if math.isclose(got, value, abs_tol=6e-4)), otherwise
    )
