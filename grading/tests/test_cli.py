"""`grading`: each command has help, and no bad input ends in a traceback."""

import json
import subprocess
import sys

import pytest

from grading.stage import staff_root

COMMANDS = (
    "build",
    "lint",
    "release",
    "run",
    "report",
    "gradescope",
    "nbgrader",
    "verify",
    "effects",
    "demo",
    "bench",
)


def grading(*words, **kwargs):
    return subprocess.run(
        [sys.executable, "-m", "grading.cli", *map(str, words)], capture_output=True, text=True, **kwargs
    )


@pytest.mark.parametrize("command", (*COMMANDS, "lecture"))
def test_each_command_has_help(command):
    done = grading(command, "--help")
    assert done.returncode == 0 and "Usage:" in done.stdout


def test_without_a_command_it_lists_them():
    done = grading()
    assert all(command in done.stdout + done.stderr for command in COMMANDS)


BAD = {
    "unknown command": (["grad"], "grad"),
    "no lab": (["run", "work.zip", "--out", "x"], "--lab"),
    "unknown lab": (["lecture", "--lab", "lab99"], "lab99"),
    "unknown lab of verify": (["verify", "--lab", "lab99"], "lab99"),
    "unknown section": (["verify", "--only", "everything"], "everything"),
    "seeds": (["effects", "--seeds", "one two"], "one two"),
    "no seeds": (["effects", "--seeds", ""], "at least one"),
    "same seeds": (["effects", "--seeds", "1 1"], "different seeds"),
    "no results": (["report", "nowhere/results.json"], "nowhere/results.json"),
    "no name": (["run", "", "--lab", "lab4", "--out", "x"], "empty name"),
    "a device": (["run", "/dev/zero", "--lab", "lab4", "--out", "x"], "neither a file nor a folder"),
    "other results": (["report", str(staff_root() / "course.yaml")], "results.json of this grader"),
    "a file to grade into": (["run", ".", "--lab", "lab4", "--out", "/etc/passwd"], "is a file"),
    "a file to pack into": (["gradescope", "--lab", "lab4", "--out", "/etc/passwd"], "is a file"),
    "unknown lab of nbgrader": (["nbgrader", "--lab", "lab99", "--out", "x"], "lab99"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_ends_in_one_message_and_exit_code_2(name, tmp_path):
    words, said = BAD[name]
    done = grading(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_said_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    done = grading("nbgrader", "--lab", "lab4", "--out", tmp_path / "file" / "course")
    assert done.returncode == 2 and "Traceback" not in done.stderr and "file" in done.stderr


def test_a_defect_is_one_message_too(tmp_path):
    code = "import grading.cli as c, grading.lint as l\nl.lint = lambda: 1 / 0\nc.main()"
    done = subprocess.run([sys.executable, "-c", code, "lint"], capture_output=True, text=True)
    assert done.returncode == 3 and "division by zero" in done.stderr and "Traceback" not in done.stderr


def test_build_check_says_that_nothing_would_change():
    done = grading("build", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_lecture_stages_the_solved_notebook():
    done = grading("lecture", "--lab", "lab4", "--dry")
    assert done.returncode == 0 and done.stdout.strip().endswith("lab4_best_of_n.ipynb"), done.stderr


def test_make_lists_its_targets_and_names_a_missing_python():
    listed = subprocess.run(["make", "help"], cwd=staff_root(), capture_output=True, text=True)
    for target in (
        "demo",
        "test",
        "verify",
        "lab",
        "build",
        "release",
        "grade",
        "gradescope",
        "lecture",
        "effects",
    ):
        assert f"make {target}" in listed.stdout
    assert json.dumps(listed.returncode) == "0"


def test_make_says_which_python_it_needs(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((staff_root() / name).read_bytes())
    done = subprocess.run(["make", "PYTHON=python0", "build"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "Python 3.11 or newer is needed; 'python0' is missing" in done.stdout
    assert not (tmp_path / ".venv").exists()
