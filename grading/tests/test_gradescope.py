"""The Gradescope package, unpacked and run as Gradescope does, in a folder of our own instead of /autograder.

setup.sh runs with LABS_PYTHON, which reuses this interpreter. So what stays untested here is what needs a
fresh image and a network: apt-get, the new venv, and pip with the pins.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile

import pytest

from grading import sandbox
from grading.gradescope.package import NOT_SHIPPED, NOT_STARTED, package, requirements
from grading.gradescope.run import metadata_facts
from grading.results import load
from grading.samples import half_of, pack
from grading.stage import staff_root
from labkit.course import load_course
from labkit.errors import LabError

LAB = load_course(staff_root()).lab("lab4")
METADATA = {
    "id": 4711,
    "created_at": "2026-11-21T14:22:32.365935-08:00",
    "assignment": {"due_date": "2026-11-20T23:59:00.000000-08:00", "late_due_date": None, "title": "Lab 4"},
    "users": [{"email": "ada@example.edu", "id": 1, "name": "Ada"}],
    "previous_submissions": [{"submission_time": "2026-11-20T10:00:00-08:00", "score": 31.0}],
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return package("lab4", tmp_path_factory.mktemp("dist"))


@pytest.fixture
def autograder(archive, tmp_path):
    """Gradescope's folders, the package unpacked and set up."""
    root = tmp_path / "autograder"
    for name in ("source", "submission", "results"):
        (root / name).mkdir(parents=True)
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(root / "source")
    shutil.copy(root / "source/run_autograder", root / "run_autograder")
    (root / "run_autograder").chmod(0o755)
    variables = {**os.environ, "AUTOGRADER_ROOT": str(root), "LABS_PYTHON": sys.executable}
    subprocess.run(["bash", str(root / "source/setup.sh")], env=variables, check=True, timeout=60)
    return root


def run(root, **variables):
    """One submission, as Gradescope runs it."""
    environment = {**os.environ, "AUTOGRADER_ROOT": str(root), **variables}
    command = [str(root / "run_autograder")]
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=300)


def hand_in(root, path):
    """Gradescope unpacks an uploaded zip into the submission folder."""
    with zipfile.ZipFile(path) as zipped:
        zipped.extractall(root / "submission")


BACKENDS = [
    pytest.param(
        name, marks=pytest.mark.skipif(not sandbox.probe(name).works, reason=sandbox.probe(name).reason)
    )
    for name in ("bubblewrap", "user")
]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_submission_is_graded_where_gradescope_would(autograder, tmp_path, backend):
    hand_in(autograder, pack("half", LAB, tmp_path / "half.zip"))
    (autograder / "submission_metadata.json").write_text(json.dumps(METADATA), encoding="utf-8")
    done = run(autograder, LABS_BACKEND=backend)
    results = load(autograder / "results/results.json")
    assert done.returncode == 0, done.stderr
    expected = sum(todo.points for todo in LAB.todos if todo.id in half_of(LAB))
    assert results.earned("module") == expected and results.possible() == 85
    assert results.extra_data.backend == backend and results.extra_data.complete
    kept = results.extra_data.gradescope
    assert kept["id"] == 4711 and kept["late"] is True and kept["best_previous_score"] == 31.0
    assert any("after the due date" in note for note in results.extra_data.notes)
    text = (autograder / "results/results.json").read_text(encoding="utf-8")
    secret = (autograder / "source/.secret").read_text(encoding="utf-8")
    assert "ada@example.edu" not in text and secret not in text and secret not in done.stdout + done.stderr


def test_an_empty_upload_is_a_result_and_the_folders_are_closed(autograder):
    done = run(autograder)
    results = load(autograder / "results/results.json")
    assert done.returncode == 0 and results.score == 0 and results.possible() == 85
    assert any("empty" in note for note in results.extra_data.notes)
    for name in ("source", "submission", "results"):
        assert stat.S_IMODE((autograder / name).stat().st_mode) == 0o700
    assert stat.S_IMODE((autograder / "source/.secret").stat().st_mode) == 0o600


@pytest.mark.parametrize("python", ["/bin/false", "/nowhere/python"])
def test_a_grader_that_can_not_start_leaves_every_row_with_zero(autograder, python):
    (autograder / "source/.python").write_text(python + "\n", encoding="utf-8")
    (autograder / "results/results.json").write_text('{"score": 85}', encoding="utf-8")
    run(autograder)
    results = load(autograder / "results/results.json")
    assert results.score == 0 and results.possible() == 85 and results.output == NOT_STARTED


def test_a_defect_of_ours_is_said_and_costs_no_result(autograder, tmp_path):
    hand_in(autograder, pack("untouched", LAB, tmp_path / "untouched.zip"))
    hidden = autograder / "source/grading/hidden" / f"test_{LAB.package}.py"
    hidden.write_text("import nothing_of_that_name\n", encoding="utf-8")
    done = run(autograder)
    results = load(autograder / "results/results.json")
    assert done.returncode == 0 and results.score == 0 and results.possible() == 85
    assert "nothing_of_that_name" in results.extra_data.staff
    shown = results.output + "".join(row.output for row in results.tests)
    assert "nothing_of_that_name" not in shown and "not your mistake" in shown


def test_the_package_holds_no_answers_and_everything_else(archive):
    with zipfile.ZipFile(archive) as zipped:
        names = set(zipped.namelist())
        notebook = zipped.read(LAB.notebook).decode()
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in zipped.infolist()}
    assert {"setup.sh", "run_autograder", "autograder.json", "course.yaml", "requirements.txt"} <= names
    tops = ("solutions", "grading/mutants", "grading/attacks", "grading/tests", "grading/recipes", "tests")
    assert not [name for name in names if name.startswith(tops)]
    assert not {f"grading/{module}.py" for module in NOT_SHIPPED} & names
    assert "NotImplementedError" in notebook
    assert modes["run_autograder"] == 0o755 and modes[".secret"] == 0o600


def test_modules_left_out_exist():
    missing = [name for name in NOT_SHIPPED if not (staff_root() / f"grading/{name}.py").is_file()]
    assert not missing, f"no such module any more: {missing}"


def test_two_packages_have_two_secrets(archive, tmp_path):
    with zipfile.ZipFile(archive) as one, zipfile.ZipFile(package("lab4", tmp_path)) as two:
        assert one.read(".secret") != two.read(".secret")


def test_every_library_is_pinned_by_the_lock():
    pinned = {
        re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower()
        for line in (staff_root() / "requirements.lock").read_text(encoding="utf-8").splitlines()
    }
    wanted = requirements(staff_root()).split()
    assert "torch" in wanted and "pyseccomp" in wanted and "jupyterlab" not in wanted
    assert not [name for name in wanted if re.sub(r"[-_.]+", "-", name).lower() not in pinned]


def test_the_scripts_are_valid_shell():
    for name in ("setup.sh", "run_autograder"):
        path = staff_root() / "grading/gradescope" / name
        subprocess.run(["bash", "-n", str(path)], check=True, timeout=10)
        assert os.access(path, os.X_OK)


def test_an_unknown_lab_is_said(tmp_path):
    with pytest.raises(LabError, match="lab99"):
        package("lab99", tmp_path)


# ---- submission_metadata.json ----


def facts_of(tmp_path, content):
    path = tmp_path / "submission_metadata.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return metadata_facts(path)


def test_an_extension_of_a_user_counts(tmp_path):
    users = [{"name": "Ada", "assignment": {"due_date": "2026-11-30T00:00:00-08:00"}}]
    facts, notes = facts_of(tmp_path, METADATA | {"users": users})
    assert facts["late"] is False and not notes and facts["due_date"].startswith("2026-11-30")


def test_without_a_file_nothing_is_recorded(tmp_path):
    assert metadata_facts(tmp_path / "none.json") == ({}, [])


@pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000])
def test_an_unreadable_file_is_a_note(tmp_path, content):
    facts, notes = facts_of(tmp_path, content)
    assert facts == {} and len(notes) == 1


def test_odd_fields_are_left_out(tmp_path):
    odd = {"id": [1], "created_at": 3, "assignment": "x", "users": {"a": 1}, "previous_submissions": [7]}
    assert facts_of(tmp_path, odd)[0] == {"previous_submissions": 0}
