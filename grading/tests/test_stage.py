"""Staging: any implementation in the place of `starter/`, and mutants put into the solutions."""

import subprocess
import sys

import pytest

from grading.build import build
from grading.stage import activated, environment, mutants, read_mutant, replace_function, stage
from grading.tests.small_course import change, write_small_course
from labkit.course import load_course
from labkit.errors import LabError


@pytest.fixture
def course(tmp_path):
    root = write_small_course(tmp_path / "course")
    build(root)
    return root


def call(tree, expression):
    with activated(tree):
        from starter.lab7_toy import method

        return eval(expression, {"method": method})


def test_solutions_are_importable_as_starter(course):
    with stage("solutions", root=course) as tree:
        assert call(tree, "method.double(3)") == 6
        assert not (tree / "solutions").exists() and not (tree / "grading").exists()
        assert not (tree / "starter/lab7_toy/lab.py").exists()
        assert (tree / "course.yaml").is_file() and (tree / "tests").is_dir()
    assert not tree.exists()


def test_starter_raises_with_the_todos_own_id(course):
    with stage("starter", root=course) as tree, pytest.raises(NotImplementedError, match="TODO 7.1 double"):
        call(tree, "method.double(3)")


def test_only_the_named_todos_are_stubs(course):
    with stage("solutions", stub=["7.2"], root=course) as tree:
        assert call(tree, "method.double(3)") == 6
        with pytest.raises(NotImplementedError, match="TODO 7.2"):
            call(tree, "method.halve(3)")


@pytest.mark.parametrize("shape", ["{tmp}/starter", "{tmp}", "{tmp}/starter/lab7_toy"])
def test_a_submission_may_be_a_tree_a_starter_folder_or_one_lab(course, tmp_path, shape):
    lab = tmp_path / "starter/lab7_toy"
    lab.mkdir(parents=True)
    (lab / "__init__.py").write_text("")
    (lab / "method.py").write_text("def double(number):\n    return 41\n")
    with stage(shape.format(tmp=tmp_path), root=course) as tree:
        assert call(tree, "method.double(3)") == 41


def test_a_mutant_replaces_one_function_of_the_solutions(course):
    path = course / "grading/mutants/lab7_toy/7.1__square.py"
    with stage(path, root=course) as tree:
        assert call(tree, "method.double(3)") == 9
        assert call(tree, "method.halve(3)") == 1.5
        text = (tree / "starter/lab7_toy/method.py").read_text("utf-8")
    assert "import math" in text and "the_whole_secret" not in text


def test_mutants_say_what_they_are(course):
    found = mutants(load_course(course).lab("lab7"), course)
    assert [mutant.path.name for mutant in found] == [
        "7.1__sign_lost.py",
        "7.1__square.py",
        "7.2__cut_off.py",
        "7.2__not_halved.py",
    ]
    assert found[0].mistake == "the sign was lost" and found[0].passes_visible
    assert found[3].caught_by == ("test_four_becomes_two",) and not found[3].passes_visible


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("# MUTANT", "# mutant", "caught by"),
        ("method.py —", "data.py —", "where TODO 7.1 lives"),
        ("# MUTANT 7.1", "# MUTANT 7.2", "exactly one function, halve|begins with 7.2"),
        ("def double", "def twice", "exactly one function, double"),
        ("return number * number", "return (", "Python"),
        ("def double", "import math\ndef double", "exactly one function, double"),
    ],
)
def test_a_malformed_mutant_is_refused_in_words(course, old, new, words):
    path = course / "grading/mutants/lab7_toy/7.1__square.py"
    change(path, old, new)
    with pytest.raises(LabError, match=words.replace("|", ".*|.*")):
        read_mutant(path, course)


def test_replacing_takes_decorators_and_the_whole_body():
    module = "import a\n\n\n@a.b\ndef f(x):\n    return (\n        x\n    )\n\n\ny = 1\n"
    assert replace_function(module, "f", "def f(x):\n    return 2") == (
        "import a\n\n\ndef f(x):\n    return 2\n\n\ny = 1\n"
    )


@pytest.mark.parametrize("where", ["nowhere", "empty"])
def test_a_path_without_a_lab_is_refused(course, tmp_path, where):
    (tmp_path / "empty").mkdir()
    with pytest.raises(LabError, match="lab7_toy/"), stage(tmp_path / where, root=course):
        pass


def test_an_unknown_lab_is_refused(course):
    with pytest.raises(LabError, match="lab8"), stage("solutions", ["lab8"], root=course):
        pass


def test_another_process_sees_the_staged_tree(course):
    with stage("solutions", root=course) as tree:
        code = "from starter.lab7_toy.method import double; print(double(21))"
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment(tree), cwd=tree, capture_output=True, text=True
        )
    assert done.stdout == "42\n", done.stderr


def test_solved_notebooks_hold_the_answers(course):
    with stage("solutions", solved_notebooks=True, root=course) as tree:
        text = (tree / "notebooks/lab7_toy.ipynb").read_text("utf-8")
    assert "total = sum(" in text and "everybody calls doubling" in text and "SOLUTION" not in text
