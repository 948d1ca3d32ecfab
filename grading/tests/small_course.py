"""A whole course of two TODOs, one value and one written answer, for the tests of the builder and its kin."""

from __future__ import annotations

from pathlib import Path

import labkit

COURSE = """
title: Small course
release: "1"
release_url: https://example.edu/small.zip
points: {modules: 3, values: 1, written: 2}
labs:
  lab7:
    package: lab7_toy
    title: "Toy"
    todos:
      - {id: "7.1", file: method.py, function: double, title: "Double", points: 2, minutes: 5, difficulty: 1,
         importance: 2, section: 1, forbidden: [sympy]}
      - {id: "7.2", file: method.py, function: halve, title: "Halve", points: 1, minutes: 5, difficulty: 2,
         importance: 3, section: 2}
    values:
      - {id: "7.V1", variable: total, title: "Total", points: 1}
    written:
      - {id: "7.W1", title: "Why", points: 2}
"""

METHOD = '''"""Toy functions."""

import math


def positive(number):
    return math.fabs(number)


def double(number: float) -> float:
    """Twice the number.

    Args:
        number: any, in metres.
    Returns:
        Twice as many metres.
    Raises:
        Nothing.
    Source: arithmetic.
    """
    # TODO 7.1: twice the number.
    # BEGIN SOLUTION 7.1
    import operator

    the_whole_secret_of_doubling = operator.add(number, number)
    return the_whole_secret_of_doubling
    # END SOLUTION 7.1


def halve(number: float) -> float:
    """Half the number.

    Args:
        number: any, in metres.
    Returns:
        Half as many metres.
    Raises:
        ValueError: the number isn't finite.
    Source: arithmetic.
    """
    if not math.isfinite(number):
        raise ValueError("number must be finite")
    # TODO 7.2: half of it.
    # BEGIN SOLUTION 7.2
    return number / 2
    # END SOLUTION 7.2
'''

LAB = """# %% [markdown] card="all"
# # Toy

# %% tags=["setup"]
where = "{{release_url}}"

# %% [markdown]
# ## 7.1 Double

# %% [markdown] card="7.1"

# %% [markdown]
# ## 7.2 Halve

# %% [markdown] card="7.2"

# %% [markdown]
# ## Experiment

# %% tags=["inject"]
records = [{"n": 2}, {"n": 3}]

# %% answer="7.V1"
# TODO 7.V1: the sum of n over all records.
# BEGIN SOLUTION 7.V1
total = sum(record["n"] for record in records)
# END SOLUTION 7.V1

# %% test="7.V1"
assert isinstance(total, int)

# %%
effects = {"sum": total}

# %% [markdown]
# **7.W1** Why?

# %% [markdown] written="7.W1"
# <!-- BEGIN SOLUTION 7.W1 -->
# Because adding a number to itself is what everybody calls doubling it.
# <!-- END SOLUTION 7.W1 -->
"""

VISIBLE = """import pytest

from labkit.testing import assert_equal


@pytest.mark.todo("7.1")
def test_two_becomes_four(lab):
    assert_equal(lab.method.double(2), 4, "twice the number")


@pytest.mark.todo("7.2")
def test_four_becomes_two(lab):
    assert_equal(lab.method.halve(4), 2.0, "half the number")
"""

HIDDEN = """import pytest

from labkit.testing import assert_equal, mistake


TEXT, NUMBER = "a train of 3 waggons and 41 boxes", 0.2718281


def make_records(rng):
    return [{"n": int(n)} for n in rng.integers(1, 9, 3)]


@pytest.mark.todo("7.1", points=2)
def test_minus_three_becomes_minus_six(lab):
    got = lab.method.double(-3)
    assert_equal(got, -6, mistake(got, {"the square, not the double": 9, "the sign was lost": 6}))


@pytest.mark.todo("7.2", points=1)
def test_odd_numbers_keep_their_half(lab):
    got = lab.method.halve(7.0)
    assert_equal(got, 3.5, mistake(got, {"whole numbers only: the half was cut off": 3.0}))


@pytest.mark.value("7.V1", points=1)
def test_value_total_of_records(notebook):
    assert_equal(notebook.value("7.V1"), sum(r["n"] for r in notebook.records), "the sum of n")
"""

MUTANTS = {
    "7.1__square.py": "# MUTANT 7.1 method.py — the square, not the double | caught by: "
    "test_minus_three_becomes_minus_six | visible: passes\ndef double(number):\n    return number * number\n",
    "7.1__sign_lost.py": "# MUTANT 7.1 method.py — the sign was lost | caught by: "
    "test_minus_three_becomes_minus_six | visible: passes\ndef double(number):\n    return abs(2 * number)\n",
    "7.2__cut_off.py": "# MUTANT 7.2 method.py - whole numbers only | caught by: "
    "test_odd_numbers_keep_their_half | visible: passes\ndef halve(number):\n    return float(number // 2)\n",
    "7.2__not_halved.py": "# MUTANT 7.2 method.py — not half the number | caught by: "
    "test_four_becomes_two | visible: fails\ndef halve(number):\n    return float(number)\n",
}

PYPROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "small-course"
version = "1"
requires-python = ">=3.11"
dependencies = ["PyYAML"]
"""


def write_small_course(root: Path, real_labkit: bool = False) -> Path:
    """The course below `root`, not yet built. real_labkit: link this checkout's, to run its tests too."""
    files = {
        "course.yaml": COURSE,
        "pyproject.toml": PYPROJECT,
        "requirements.lock": "PyYAML==6.0.3\n",
        "LICENSE": "MIT\n",
        "labkit/__init__.py": '"""Shared."""\n',
        "data/README.md": "None yet.\n",
        "starter/__init__.py": '"""Yours."""\n',
        "solutions/__init__.py": '"""Ours."""\n',
        "solutions/lab7_toy/__init__.py": '"""Toy."""\n',
        "solutions/lab7_toy/method.py": METHOD,
        "solutions/lab7_toy/lab.py": LAB,
        "solutions/lab7_toy/configs/nano.yaml": "profile: nano\n",
        "tests/test_lab7_toy.py": VISIBLE,
        "grading/hidden/test_lab7_toy.py": HIDDEN,
        **{f"grading/mutants/lab7_toy/{name}": text for name, text in MUTANTS.items()},
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if real_labkit:
        (root / "labkit/__init__.py").unlink()
        (root / "labkit").rmdir()
        (root / "labkit").symlink_to(Path(labkit.__file__).parent)
    return root


def change(path: Path, old: str, new: str) -> None:
    """Replace text that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")
