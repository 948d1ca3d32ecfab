"""The release: what is in the zip, that it installs, and that every kind of leak stops it."""

import json
import re
import subprocess
import sys
import zipfile

import pytest
import yaml

from grading.build import build
from grading.leaks import scan
from grading.markers import SourceError
from grading.release import TOP, release, student_pyproject, student_tree
from grading.stage import staff_root
from grading.tests.small_course import change, write_small_course
from labkit.errors import LabError

SECRET = "    the_whole_secret_of_doubling = operator.add(number, number)\n"


@pytest.fixture
def course(tmp_path):
    root = write_small_course(tmp_path / "course")
    build(root)
    return root


@pytest.fixture
def tree(course, tmp_path):
    return student_tree(tmp_path / TOP, course)


def test_the_zip_holds_what_the_allowlist_names_and_nothing_else(course, tmp_path):
    made = release(tmp_path / "dist/student.zip", course)
    names = zipfile.ZipFile(made.path).namelist()
    assert names == sorted(names) and made.files == len(names)
    assert [name.removeprefix(f"{TOP}/") for name in names] == [
        "LICENSE",
        "README.md",
        "course.yaml",
        "data/README.md",
        "labkit/__init__.py",
        "notebooks/lab7_toy.ipynb",
        "pyproject.toml",
        "requirements.lock",
        "requirements.txt",
        "starter/__init__.py",
        "starter/lab7_toy/__init__.py",
        "starter/lab7_toy/configs/nano.yaml",
        "starter/lab7_toy/method.py",
        "tests/test_lab7_toy.py",
    ]


def test_the_same_sources_give_the_same_zip(course, tmp_path):
    assert release(tmp_path / "a.zip", course).sha256 == release(tmp_path / "b.zip", course).sha256


def test_a_stale_starter_stops_the_release(course, tmp_path):
    change(course / "starter/lab7_toy/method.py", "half of it", "half of")
    with pytest.raises(LabError, match="method.py: differs"):
        release(tmp_path / "student.zip", course)
    assert not (tmp_path / "student.zip").exists()


def test_a_file_that_no_rule_lets_through_stops_the_release(course, tmp_path):
    (course / "data/answers.pkl").write_bytes(b"")
    with pytest.raises(LabError, match="answers.pkl"):
        student_tree(tmp_path / TOP, course)


def test_a_symbolic_link_stops_the_release(course, tmp_path):
    (course / "data/all.md").symlink_to(course / "grading/hidden/test_lab7_toy.py")
    with pytest.raises(LabError, match="symbolic link"):
        student_tree(tmp_path / TOP, course)


def test_a_sound_tree_has_no_leak(tree, course):
    assert scan(tree, course) == []


LEAKS = {
    "a solution line": ("labkit/__init__.py", SECRET, "the solution of 7.1"),
    "re-spaced": ("data/README.md", SECRET.replace(" ", "  ").replace("=", "  ="), "the solution of 7.1"),
    "a model answer": (
        "data/README.md",
        "Because adding a number to itself is what everybody calls doubling it.\n",
        "the solution of 7.W1",
    ),
    "a hidden test": (
        "tests/test_lab7_toy.py",
        "# see test_odd_numbers_keep_their_half\n",
        "a name of test_lab7",
    ),
    "a hidden text": (
        "data/README.md",
        "a train of 3 waggons and 41 boxes\n",
        "a constant of test_lab7",
    ),
    "a hidden number": ("data/README.md", "about 0.2718281\n", "a constant of test_lab7"),
    "a staff path": ("labkit/__init__.py", "# as in grading/hidden\n", "a staff path"),
    "a staff import": ("labkit/__init__.py", "from grading import stage\n", "an import of staff code"),
    "the solutions": ("tests/test_lab7_toy.py", "import solutions.lab7_toy\n", "an import of staff code"),
    "a home folder": ("data/README.md", "made in /home/author/course\n", "a path of a machine"),
    "another folder": ("data/README.md", "made in (/srv/course/data)\n", "a path of a machine"),
    "a folder as code": ("data/README.md", "made in `/srv/course/data`\n", "a path of a machine"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_each_kind_of_leak_is_found_with_file_and_line(tree, course, name):
    file, text, words = LEAKS[name]
    path = tree / file
    before = path.read_text("utf-8")
    path.write_text(before + text, encoding="utf-8")
    line = before.count("\n") + 1
    found = [problem for problem in scan(tree, course) if words in problem.message]
    assert [(problem.path, problem.line) for problem in found] == [(file, line)]


def test_a_leak_in_a_notebook_cell_is_found(tree, course):
    path = tree / "notebooks/lab7_toy.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    notebook["cells"][-1]["source"] = ["total = sum(record['n'] for record in records)".replace("'", '"')]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert ["the solution of 7.V1" in problem.message for problem in scan(tree, course)] == [True]


def test_a_leak_stops_the_zip(course, tmp_path):
    (course / "labkit/secret.py").write_text("def f(number, operator):\n" + SECRET)
    with pytest.raises(SourceError, match="labkit/secret.py:2"):
        release(tmp_path / "student.zip", course)
    assert not (tmp_path / "student.zip").exists()


# ---- the real course ----


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return student_tree(tmp_path_factory.mktemp("release") / TOP)


def test_the_real_tree_has_no_leak(real):
    assert [str(problem) for problem in scan(real, staff_root())] == []


def test_the_real_tree_installs_and_its_doctor_runs(real, tmp_path):
    """Into a new environment that sees this one's packages, so nothing is downloaded."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    site = next((tmp_path / "venv/lib").glob("python3*/site-packages"))
    ours = [path for path in sys.path if path.endswith("site-packages")]
    # Only the packages: a .pth of this checkout there would make its own `starter` importable.
    (site / "host.pth").write_text("\n".join(ours))
    pip = [
        tmp_path / "venv/bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, "-e", str(real)], check=True, cwd=real)
    where = subprocess.run(
        [tmp_path / "venv/bin/python", "-I", "-c", "import labkit, starter; print(labkit.__file__)"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert where.stdout.startswith(str(real)), where.stderr
    done = subprocess.run([tmp_path / "venv/bin/labs", "doctor"], capture_output=True, text=True, cwd=real)
    assert "Traceback" not in done.stderr and done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "venv/bin/grading").exists()


def test_the_students_project_has_labs_and_no_staff_packages():
    text = student_pyproject(staff_root())
    assert 'labs = "labkit.cli:main"' in text and "torch==2.13.0" in text
    for word in ("grading", "solutions", "nbgrader", "pyseccomp"):
        assert word not in text


# ---- the three lists of pins ----


def test_lock_project_and_conda_environment_pin_the_same_versions():
    import tomllib

    root = staff_root()
    lock = {
        _name(n): v
        for n, v in re.findall(r"^([\w.-]+)==(\S+)$", (root / "requirements.lock").read_text(), re.M)
    }
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["staff"]]
    table = yaml.safe_load((root / "environment.yml").read_text())["dependencies"]
    conda = dict(
        line.split("=", 1) for line in table if isinstance(line, str) and "=" in line and ">" not in line
    )
    conda["torch"] = conda.pop("pytorch")
    pip = next(line["pip"] for line in table if isinstance(line, dict))
    conda |= dict(line.split("==") for line in pip if "==" in line)
    assert "+" not in "".join(lock.values()), (
        "a local version such as 2.13.0+cpu can't be installed elsewhere"
    )
    for line in wanted:
        name, _, version = line.partition("==")
        assert version in ("", lock[_name(name)]), f"pyproject.toml and requirements.lock differ on {name}"
        assert conda[_name(name)] == lock[_name(name)], (
            f"environment.yml and requirements.lock differ on {name}"
        )
    assert len(conda) == len(wanted)


def _name(name):
    return re.sub(r"[-_.]+", "-", name).lower()
