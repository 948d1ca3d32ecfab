"""Grading from the upload to results.json: points, words, secrets; what a kill or a defect leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from grading import grade as grade_module
from grading import intake, promise
from grading.grade import GradingFailed, grade, load_secret
from grading.plugin import GraderError, Outcome
from grading.promise import HiddenTest, collect, in_words, item_rows
from grading.promise import test_rows as rows_of
from grading.results import load
from grading.samples import half_of, pack
from grading.stage import staff_root
from labkit.course import load_course
from labkit.errors import LabError

LAB = load_course(staff_root()).lab("lab4")
SECRET = "a secret of the tests, long enough"


def grade_by_command(submission, out, *options):
    """`grading run` as a person types it."""
    command = [
        sys.executable,
        "-m",
        "grading.cli",
        "run",
        str(submission),
        "--lab",
        "lab4",
        "--out",
        str(out),
    ]
    variables = {**os.environ, "GRADING_SECRET": SECRET}
    return subprocess.run(
        [*command, *options], cwd=staff_root(), env=variables, capture_output=True, text=True, timeout=600
    )


# ---- whole submissions ----


def test_the_reference_gets_every_point_and_a_report(tmp_path):
    done = grade_by_command(pack("reference", LAB, tmp_path / "reference.zip"), tmp_path / "out")
    results = load(tmp_path / "out/results.json")
    wrong = {
        row.name: row.output for row in results.tests if row.extra_data.state not in ("passed", "waiting")
    }
    assert done.returncode == 0 and not wrong, done.stderr
    assert (results.earned("module"), results.earned("value"), results.score) == (70, 15, 85)
    assert results.extra_data.complete and results.extra_data.backend
    assert [row.number for row in results.tests if row.score is None] == ["4.W1", "4.W2", "4.W3"]
    everything = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert SECRET.encode() not in everything
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "results.json",
        "report.html",
        "results.csv",
    }


def test_the_starter_gets_nothing_and_reads_its_own_ids(tmp_path):
    done = grade_by_command(pack("untouched", LAB, tmp_path / "untouched.zip"), tmp_path / "out")
    results = load(tmp_path / "out/results.json")
    assert done.returncode == 0 and results.score == 0 and results.possible() == 85
    for row in results.tests:
        if row.max_score:
            assert row.extra_data.state == "todo" and f"TODO {row.number} " in row.output


def test_a_folder_is_graded_by_its_modules_alone(tmp_path):
    """Half done, handed in as a folder; every third TODO wrong would show as well."""
    import zipfile

    with zipfile.ZipFile(pack("half", LAB, tmp_path / "half.zip")) as archive:
        archive.extractall(tmp_path / "half")
    done = grade_by_command(tmp_path / "half", tmp_path / "out", "--no-notebook")
    results = load(tmp_path / "out/results.json")
    assert done.returncode == 0 and results.possible() == 70
    for todo in LAB.todos:
        earned = sum(row.score for row in results.tests if row.number == todo.id)
        assert earned == (todo.points if todo.id in half_of(LAB) else 0), todo.id


def test_a_killed_run_leaves_every_row(tmp_path):
    submission = pack("untouched", LAB, tmp_path / "untouched.zip")
    command = [sys.executable, "-m", "grading.cli", "run", str(submission), "--lab", "lab4"]
    process = subprocess.Popen([*command, "--out", str(tmp_path / "out")], cwd=staff_root())
    path, deadline = tmp_path / "out/results.json", time.monotonic() + 120
    while time.monotonic() < deadline:
        time.sleep(0.2)
        states = [row.extra_data.state for row in load(path).tests] if path.exists() else []
        if "todo" in states:  # the first check is in
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    results = load(path)
    states = {row.extra_data.state for row in results.tests if row.max_score}
    assert states == {"todo", "not_run"} and not results.extra_data.complete
    assert results.possible() == 85 and results.score == 0


# ---- what can't be graded ----


@pytest.mark.parametrize(
    ("submission", "lab", "backend", "words"),
    [
        ("nowhere.zip", "lab4", "auto", "no such path"),
        (".", "lab99", "auto", "a lab of this course"),
        (".", "lab4", "vault", "expected a sandbox among"),
    ],
)
def test_a_call_that_can_not_work_is_refused_before_anything_is_written(
    tmp_path, submission, lab, backend, words
):
    with pytest.raises(LabError, match=words):
        grade(tmp_path / submission, lab, tmp_path / "out", backend=backend)
    assert not (tmp_path / "out").exists()


def test_our_own_defect_leaves_results_that_say_so(tmp_path, monkeypatch):
    broken = tmp_path / "test_broken.py"
    broken.write_text("import nothing_of_that_name\n", encoding="utf-8")
    monkeypatch.setattr(promise, "hidden_file", lambda lab: broken)
    (tmp_path / "work").mkdir()
    with pytest.raises(GradingFailed, match="nothing_of_that_name"):
        grade(tmp_path / "work", "lab4", tmp_path / "out", secret=SECRET.encode(), own_code=True)
    results = load(tmp_path / "out/results.json")
    assert results.possible() == 85 and results.score == 0 and results.extra_data.staff
    assert "nothing_of_that_name" not in (tmp_path / "out/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("error", [RecursionError("too deep"), OSError(28, "disk full"), KeyError("\ud800")])
def test_a_defect_of_any_kind_leaves_complete_results_and_a_report(tmp_path, monkeypatch, error):
    def broken(*_):
        raise error

    monkeypatch.setattr(intake, "take", broken)
    (tmp_path / "work").mkdir()
    with pytest.raises(GradingFailed, match=f"a defect of the grader: {type(error).__name__}"):
        grade(tmp_path / "work", "lab4", tmp_path / "out", secret=SECRET.encode(), own_code=True)
    results = load(tmp_path / "out/results.json")
    assert results.extra_data.complete and type(error).__name__ in results.extra_data.staff
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "results.json",
        "report.html",
        "results.csv",
    }


def test_a_clean_up_that_fails_costs_no_check_and_hides_no_earlier_failure(tmp_path, monkeypatch):
    class Broken:
        def __init__(self, *_, **__):
            pass

        def close(self):
            raise RecursionError("a thousand folders")

    def passes(*_, on_outcome, **__):
        on_outcome(Outcome("test_the_answer_with_most_votes_wins", "4.7", 1.0, "passed", "", 0.1))
        raise GraderError("the tests ended early")

    monkeypatch.setattr(grade_module, "Worker", Broken)
    monkeypatch.setattr(grade_module, "run_hidden_tests", passes)
    (tmp_path / "work").mkdir()
    with pytest.raises(
        GradingFailed, match="ended early.*cleaning up the worker.*a thousand folders"
    ) as caught:
        grade(
            *(tmp_path / "work", "lab4", tmp_path / "out"),
            secret=SECRET.encode(),
            own_code=True,
            notebook=False,
        )
    assert caught.value.results.score == 1 and caught.value.results.extra_data.complete


# ---- promised rows ----


def test_rows_from_the_course_table_alone_hold_all_points():
    rows = item_rows(LAB)
    assert sum(row.max_score or 0 for row in rows) == 85 and len(rows) == 17 + 5 + 3
    assert all(row.score == 0 for row in rows if row.max_score)


def test_rows_of_the_hidden_tests_hold_all_points():
    tests, module = collect(promise.hidden_file(LAB))
    rows = rows_of(LAB, tests)
    assert sum(row.max_score or 0 for row in rows) == 85 and callable(module.make_records)
    assert len({row.extra_data.test for row in rows}) == len(rows)


def test_every_graded_cell_of_the_notebook_is_a_row():
    cells = json.loads((staff_root() / LAB.notebook).read_text(encoding="utf-8"))["cells"]
    graded = [cell["metadata"]["nbgrader"] for cell in cells if "nbgrader" in cell["metadata"]]
    with_points = {cell["grade_id"]: cell["points"] for cell in graded if cell["grade"]}
    rows = {row.extra_data.grade_id: row for row in item_rows(LAB) if row.extra_data.grade_id}
    assert {name: row.max_score or row.extra_data.points for name, row in rows.items()} == with_points


def test_points_that_do_not_add_up_are_our_mistake():
    tests, _ = collect(promise.hidden_file(LAB))
    with pytest.raises(GraderError, match=r"hidden tests of 4\.7"):
        rows_of(LAB, [test for test in tests if test.item != "4.7"])
    with pytest.raises(GraderError, match=r"hidden tests of 4\.1:"):
        rows_of(LAB, [*tests, HiddenTest("test_more", "4.1", 1.0)])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def test_no_mark(): pass\n", "no id or no points"),
        ("import pytest\n@pytest.mark.todo('4.7')\ndef test_no_points(): pass\n", "no id or no points"),
        ("def broken(:\n", "can't be collected"),
        ("", "can't be collected"),
    ],
)
def test_a_hidden_file_that_can_not_be_used_is_said(tmp_path, source, words):
    file = tmp_path / f"test_{tmp_path.name[-1]}_hidden.py"  # pytest imports a name only once
    file.write_text(source, encoding="utf-8")
    with pytest.raises(GraderError, match=words):
        collect(file)


def test_names_become_sentences_and_cases_keep_no_value():
    assert in_words("test_ties_go_to_the_earliest_answer") == "ties go to the earliest answer"
    assert in_words("test_numbers_are_exact[2-1000-wanted]") == "numbers are exact (2)"
    assert in_words("test_numbers_are_exact[wanted]") == "numbers are exact"


# ---- the secret ----


def test_a_secret_is_made_once_and_only_for_its_owner(tmp_path):
    path = tmp_path / "deep" / "secret"
    first = load_secret(path)
    assert len(first) == 64 and load_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_others_may_read_or_guess_is_refused(tmp_path):
    path = tmp_path / "secret"
    load_secret(path)
    path.chmod(0o644)
    with pytest.raises(LabError, match="chmod 600"):
        load_secret(path)
    path.chmod(0o600)
    path.write_text("short", encoding="utf-8")
    with pytest.raises(LabError, match="at least 16"):
        load_secret(path)
