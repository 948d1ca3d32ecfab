"""Static checks of a lab's tests: ids and points of the markers, read from the syntax tree.

    tests/test_lab4_best_of_n.py            visible: every TODO has at least one test
    grading/hidden/test_lab4_best_of_n.py   hidden: every TODO and value has one, and their points add up to
                                            what course.yaml gives

A file that isn't there yet is not a finding: `grading verify` is what insists on all of them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from labkit.course import Lab

from .markers import Problem


@dataclass(frozen=True)
class MarkedTest:
    """One test function: its file, line, name, the id it is marked with and its points (None: not given).

    cases: whether pytest makes several tests of it (parametrize).
    """

    path: str
    line: int
    name: str
    id: str | None
    points: float | None
    cases: bool = False


def marked_tests(path: Path, shown: str) -> list[MarkedTest]:
    """The test functions of a file in order. Raises SyntaxError: the file isn't Python."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        item, points, cases = None, None, False
        for decorator in node.decorator_list:
            cases = cases or "parametrize" in ast.unparse(decorator)
            if (
                isinstance(decorator, ast.Call)
                and isinstance(decorator.func, ast.Attribute)
                and decorator.func.attr in ("todo", "value")
                and decorator.args
                and isinstance(decorator.args[0], ast.Constant)
            ):
                item = str(decorator.args[0].value)
                for keyword in decorator.keywords:
                    if keyword.arg == "points" and isinstance(keyword.value, ast.Constant):
                        points = float(keyword.value.value)
        found.append(MarkedTest(shown, node.lineno, node.name, item, points, cases))
    return found


def test_files(lab: Lab) -> dict[str, str]:
    """{"visible": …, "hidden": …}: the two test files of a lab, relative to the project."""
    return {"visible": lab.tests, "hidden": f"grading/hidden/test_{lab.package}.py"}


test_files.__test__ = False  # a helper, though pytest would collect the name


def lint_tests(lab: Lab, root: Path) -> list[Problem]:
    """Unknown or missing ids and points that don't add up, with file and line."""
    problems: list[Problem] = []
    for kind, shown in test_files(lab).items():
        path = root / shown
        if not path.is_file():
            continue
        try:
            tests = marked_tests(path, shown)
        except SyntaxError as error:
            problems.append(Problem(shown, error.lineno or 1, f"not Python: {error.msg}"))
            continue
        known = {item.id: item for item in (*lab.todos, *(lab.values if kind == "hidden" else ()))}
        seen_names: dict[str, int] = {}
        for test in tests:
            if test.name in seen_names:
                message = (
                    f"{test.name} is defined at line {seen_names[test.name]} already: only the last would run"
                )
                problems.append(Problem(shown, test.line, message))
            seen_names[test.name] = test.line
            if test.id is None:
                problems.append(Problem(shown, test.line, f"{test.name} has no @pytest.mark.todo or value"))
            elif test.id not in known and test.id not in {value.id for value in lab.values}:
                problems.append(Problem(shown, test.line, f"{test.name}: {test.id} isn't in course.yaml"))
            elif kind == "hidden" and test.points is None:
                problems.append(Problem(shown, test.line, f"{test.name} has no points"))
            if kind == "hidden" and test.cases:  # the grader counts the points of each case
                message = f"{test.name} is parametrized: its points would count once a case; write a loop"
                problems.append(Problem(shown, test.line, message))
        for item_id, item in known.items():
            own = [test for test in tests if test.id == item_id]
            if not own:
                problems.append(Problem(shown, 1, f"no {kind} test for {item_id}"))
            elif kind == "hidden":
                total = sum(test.points or 0 for test in own)
                if abs(total - item.points) > 1e-9:
                    message = (
                        f"the points of {item_id} add up to {total:g}; course.yaml gives {item.points:g}"
                    )
                    problems.append(Problem(shown, own[0].line, message))
    return problems
