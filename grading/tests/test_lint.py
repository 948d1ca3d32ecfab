"""The linter: each mistake an author can make, with its file, its line and its words."""

import pytest

from grading.lint import lint
from grading.markers import find_regions
from grading.tests.small_course import change, write_small_course
from labkit.errors import LabError

METHOD = "solutions/lab7_toy/method.py"
LAB = "solutions/lab7_toy/lab.py"


@pytest.fixture
def course(tmp_path):
    return write_small_course(tmp_path)


def line_of(path, text):
    return next(n for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) if text in line)


# name: (file, text, what the mistake makes of it, text of the line to be named, words of the message)
MISTAKES = {
    "nested": (
        METHOD,
        "    import operator\n",
        "    # BEGIN SOLUTION 7.2\n",
        "BEGIN SOLUTION 7.2",
        "can't be nested",
    ),
    "unclosed": (METHOD, "    # END SOLUTION 7.2\n", "", "BEGIN SOLUTION 7.2", "never closed"),
    "stray end": (METHOD, "    # BEGIN SOLUTION 7.2\n", "", "END SOLUTION 7.2", "without a BEGIN"),
    "misspelt": (
        METHOD,
        "# BEGIN SOLUTION 7.2",
        "# BEGIN SOLUTION: 7.2",
        "BEGIN SOLUTION: 7.2",
        "not understood",
    ),
    "wrong end": (METHOD, "# END SOLUTION 7.2", "# END SOLUTION 7.1", None, "closes region 7.2"),
    "no todo line": (METHOD, "    # TODO 7.2: half of it.\n", "", "BEGIN SOLUTION 7.2", "no '# TODO 7.2"),
    "other todo": (METHOD, "# TODO 7.2: half", "# TODO 7.1: half", "BEGIN SOLUTION 7.2", "under 'TODO 7.1'"),
    "unknown id": (METHOD, "7.2", "7.3", "BEGIN SOLUTION 7.3", "isn't among lab7's in course.yaml"),
    "function": (METHOD, "def halve", "def halved", "BEGIN SOLUTION 7.2", "course.yaml says halve"),
    "calls another": (
        METHOD,
        "return number / 2",
        "return double(number) / 4",
        "return double(",
        "TODO 7.1 (double)",
    ),
    "through helper": (
        METHOD,
        "    return math.fabs(number)",
        "    return math.fabs(double(number)) / 2\n\n\ndef unused(number):\n    return halve(number)",
        None,
        None,
    ),
    "code after": (
        METHOD,
        "    # END SOLUTION 7.2\n",
        "    # END SOLUTION 7.2\n    return 1\n",
        "END SOLUTION 7.2",
        "after its region",
    ),
    "no source": (
        METHOD,
        "        ValueError: the number isn't finite.\n    Source: arithmetic.\n",
        "        ValueError: so.\n",
        "def halve",
        "no 'Source:'",
    ),
    "argument": (
        METHOD,
        "        number: any, in metres.\n    Returns:\n        Half",
        "        value: any.\n    Returns:\n        Half",
        "def halve",
        "doesn't describe number",
    ),
    "forbidden": (
        METHOD,
        "    import operator\n",
        "    import sympy\n",
        "import sympy",
        "forbidden for TODO 7.1",
    ),
    "heading": (LAB, "## 7.2 Halve", "## Halve", None, "0 headings '## 7.2"),
    "unknown heading": (LAB, "## 7.2 Halve", "## 7.4 Halve", "## 7.4", "is no TODO of lab7"),
    "card missing": (LAB, '# %% [markdown] card="7.2"\n', "", "## 7.2 Halve", "no card below it"),
    "card of another": (LAB, 'card="7.2"', 'card="7.1"', 'card="7.1"', None),
    "no test cell": (LAB, '# %% test="7.V1"', "# %%", 'answer="7.V1"', 'must be # %% test="7.V1"'),
    "unknown value": (LAB, 'answer="7.V1"', 'answer="7.V9"', 'answer="7.V9"', "no such item"),
    "variable": (LAB, "total = sum", "result = sum", 'answer="7.V1"', "must assign 'total'"),
    "written missing": (LAB, 'written="7.W1"', 'tags=["x"]', None, 'no cell written="7.W1"'),
    "key": (LAB, 'test="7.V1"', 'tests="7.V1"', 'tests="7.V1"', "cell key tests"),
    "long code": (
        LAB,
        'effects = {"sum": total}',
        "\n".join(f"x{i} = {i}" for i in range(26)),
        None,
        "26 lines; at most 25",
    ),
    "long text": (LAB, "# **7.W1** Why?", "# " + "word " * 121, None, "121 words; at most 120"),
    "not python": (
        LAB,
        "assert isinstance(total, int)",
        "assert isinstance(total, int",
        "assert isinstance(",
        "not Python",
    ),
    "points": (
        "grading/hidden/test_lab7_toy.py",
        'todo("7.2", points=1)',
        'todo("7.2", points=2)',
        "def test_odd",
        "add up to 2",
    ),
    "no points": (
        "grading/hidden/test_lab7_toy.py",
        'todo("7.2", points=1)',
        'todo("7.2")',
        "def test_odd",
        "has no points",
    ),
    "cases": (
        "grading/hidden/test_lab7_toy.py",
        '@pytest.mark.todo("7.2", points=1)',
        '@pytest.mark.parametrize("x", [1, 2])\n@pytest.mark.todo("7.2", points=1)',
        "def test_odd",
        "would count once a case",
    ),
    "unknown test id": (
        "tests/test_lab7_toy.py",
        '"7.2"',
        '"7.8"',
        "def test_four",
        "7.8 isn't in course.yaml",
    ),
    "no visible test": ("tests/test_lab7_toy.py", '"7.2"', '"7.1"', None, "no visible test for 7.2"),
    "same name twice": (
        "tests/test_lab7_toy.py",
        "test_four_becomes_two",
        "test_two_becomes_four",
        None,
        "only the last would run",
    ),
    "in labkit": (
        "labkit/__init__.py",
        '"""Shared."""',
        "def halve(x):\n    return x / 2",
        "def halve",
        "released code can't hold it",
    ),
}


@pytest.mark.parametrize("name", [name for name in MISTAKES if MISTAKES[name][4]])
def test_the_linter_names_file_line_and_mistake(course, name):
    file, old, new, at, words = MISTAKES[name]
    change(course / file, old, new)
    found = [problem for problem in lint(course) if words in problem.message]
    assert found, f"not found; the linter said {lint(course)}"
    assert found[0].path == file
    if at:
        assert line_of(course / file, at) in [problem.line for problem in found]


def test_a_sound_course_has_no_findings(course):
    assert lint(course) == []


def test_a_todo_may_not_reach_another_through_a_helper(course):
    _, old, new, _, _ = MISTAKES["through helper"]
    change(course / METHOD, old, new)
    change(course / METHOD, "return number / 2", "return positive(number)")
    messages = [problem.message for problem in lint(course)]
    assert messages == ["TODO 7.2 uses TODO 7.1 (double) through positive: each is graded alone"]


def test_points_that_do_not_add_up_are_an_error(course):
    change(course / "course.yaml", "points: 2, minutes", "points: 3, minutes")
    with pytest.raises(LabError, match="add up to 4, not 3"):
        lint(course)


def test_markers_in_one_file_are_all_reported():
    text = "# BEGIN SOLUTION 1.1\nx = 1\n# END SOLUTION 1.1\n# END SOLUTION 1.2\n# TODO 1.3: alone\nx = 2\n"
    _, problems = find_regions(text, "a.py")
    assert [(p.line, p.message.split(",")[0]) for p in problems] == [
        (1, "region 1.1 has no '# TODO 1.1: …' line above it"),
        (4, "END SOLUTION 1.2 without a BEGIN"),
        (5, "TODO 1.3 isn't directly followed by its marked region"),
    ]
