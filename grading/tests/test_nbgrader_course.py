"""nbgrader's own commands on our course folder: generate_assignment, validate, autograde, all really run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from grading.build import build
from grading.build_notebook import solved_notebook, student_notebook
from grading.nbgrader_course import check_value, config, write_course
from grading.stage import environment, staff_root, stage
from grading.tests.small_course import write_small_course
from labkit.course import grade_id, load_course
from labkit.errors import LabError


def nbgrader(folder, *words, env=None):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic by name
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *map(str, words)],
        cwd=folder,
        env={**(env or os.environ), "JUPYTER_RUNTIME_DIR": str(folder / ".runtime"), "PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def without_checksums(notebook):
    cells = []
    for cell in notebook.cells:
        metadata = {**cell.metadata}
        if "nbgrader" in metadata:
            metadata["nbgrader"] = {k: v for k, v in metadata["nbgrader"].items() if k != "checksum"}
        cells.append((cell.id, cell.cell_type, cell.source, metadata))
    return cells


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = write_small_course(tmp_path_factory.mktemp("course"), real_labkit=True)
    build(root)
    folder = tmp_path_factory.mktemp("nbgrader")
    write_course("lab7", folder, root)
    nbgrader(folder, "generate_assignment", "lab7")
    return root, folder


def test_the_generated_assignment_is_our_notebook_up_to_checksums(small):
    root, folder = small
    ours = nbformat.read(root / "notebooks/lab7_toy.ipynb", as_version=4)
    theirs = nbformat.read(folder / "release/lab7/lab7_toy.ipynb", as_version=4)
    assert without_checksums(theirs) == without_checksums(ours)


def test_the_generated_assignment_of_the_real_lab_is_our_notebook(tmp_path):
    write_course("lab4", tmp_path / "course")
    nbgrader(tmp_path / "course", "generate_assignment", "lab4")
    name = "lab4_best_of_n.ipynb"
    course = load_course(staff_root())
    source = (staff_root() / "solutions/lab4_best_of_n/lab.py").read_text("utf-8")
    ours = student_notebook(course.lab("lab4"), source, "lab.py", course.release_url)
    theirs = nbformat.read(tmp_path / "course/release/lab4" / name, as_version=4)
    assert without_checksums(theirs) == without_checksums(ours)
    source = nbformat.read(tmp_path / "course/source/lab4" / name, as_version=4)
    hidden = [cell for cell in source.cells if "check_value(" in cell.source]
    assert len(hidden) == len(course.lab("lab4").values)
    assert not any("HIDDEN" in cell.source for cell in theirs.cells)


def test_validate_fails_unsolved_and_passes_solved(small, tmp_path):
    root, folder = small
    released = folder / "release/lab7/lab7_toy.ipynb"
    shutil.copy(released, tmp_path / "unsolved.ipynb")
    said = nbgrader(tmp_path, "validate", "unsolved.ipynb")
    assert "VALIDATION FAILED ON 2 CELL(S)" in said and "name 'total' is not defined" in said
    solve(root, released, tmp_path / "solved.ipynb")
    assert "Success! Your notebook passes all the tests." in nbgrader(tmp_path, "validate", "solved.ipynb")


def solve(root, released, target):
    """Writes the released notebook, checksums and all, with the author's answers in its answer cells."""
    lab = load_course(root).lab("lab7")
    solved = solved_notebook(lab, (root / "solutions/lab7_toy/lab.py").read_text("utf-8"), "lab.py")
    answers = {cell.id: cell.source for cell in solved.cells}
    notebook = nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers[cell.id]
    nbformat.write(notebook, target)


def test_autograde_gives_the_points_and_leaves_written_answers_to_people(small):
    root, folder = small
    released = folder / "release/lab7/lab7_toy.ipynb"
    for student, solved in (("ada", True), ("bob", False)):
        target = folder / f"submitted/{student}/lab7/lab7_toy.ipynb"
        target.parent.mkdir(parents=True)
        if solved:
            solve(root, released, target)
        else:
            shutil.copy(released, target)
    with stage("solutions", root=root) as tree:
        nbgrader(folder, "autograde", "lab7", env={**environment(tree), "GRADING_ROOT": str(root)})
    with Gradebook(f"sqlite:///{folder}/gradebook.db") as book:
        scores = {}
        for student in ("ada", "bob"):
            notebook = book.find_submission_notebook("lab7_toy", "lab7", student)
            scores[student] = {grade.name: grade.auto_score for grade in notebook.grades}
            assert notebook.needs_manual_grade == (student == "ada")
    assert scores["ada"]["7-V1-test"] == 1.0 and scores["bob"]["7-V1-test"] == 0.0


def test_the_hidden_part_of_a_test_cell_judges_by_the_labs_hidden_test(small, monkeypatch):
    monkeypatch.setenv("GRADING_ROOT", str(small[0]))
    check_value("7.V1", 5, [{"n": 2}, {"n": 3}])
    with pytest.raises(AssertionError, match="the sum of n"):
        check_value("7.V1", 6, [{"n": 2}, {"n": 3}])


def test_every_graded_cell_has_its_own_stub_in_the_configuration():
    course = load_course(staff_root())
    lab = course.lab("lab4")
    text = config(course, lab)
    assert all(f'"{grade_id(item.id)}"' in text for item in (*lab.values, *lab.written))


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(LabError, match="other files"):
        write_course("lab4", tmp_path)
