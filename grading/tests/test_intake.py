"""Intake: where the lab is found in an upload, what is kept, and the words for what is not.

Hostile zips are in test_attacks.py.
"""

import zipfile

import pytest

from grading.intake import take
from grading.tests.submissions import PACKAGE, pack, reference
from grading.upload import MAX_FILES
from labkit.course import load_course
from labkit.errors import LabError

LAB = load_course().lab("lab4")


@pytest.fixture
def tree(tmp_path):
    return reference(tmp_path / "submission")


def test_a_submission_as_labs_submit_packs_it_is_taken_whole(tree, tmp_path):
    (tree / "notebooks").mkdir()
    (tree / LAB.notebook).write_text("{}")
    (tree / "starter" / PACKAGE / "configs").mkdir()
    (tree / "starter" / PACKAGE / "configs" / "nano.yaml").write_text("seed: 1\n")
    (tree / "manifest.json").write_text('{"release": "' + load_course().release + '"}')
    pack(tree, tmp_path / "s.zip")
    taken = take(tmp_path / "s.zip", LAB, tmp_path / "clean")
    assert taken.notes == () and taken.findings == {}
    assert taken.notebook == tmp_path / "clean" / LAB.notebook
    assert set(taken.files) == {
        path.relative_to(tree).as_posix()
        for path in tree.rglob("*")
        if path.is_file() and path.parent.name != "starter"
    }


def test_a_folder_gives_the_same_tree_as_its_zip(tree, tmp_path):
    pack(tree, tmp_path / "s.zip")
    zipped = take(tmp_path / "s.zip", LAB, tmp_path / "one")
    folder = take(tree, LAB, tmp_path / "two")
    assert zipped.files == folder.files
    for name in zipped.files:
        assert (zipped.tree / name).read_bytes() == (folder.tree / name).read_bytes()


def test_the_hash_is_that_of_the_upload_and_changes_with_it(tree, tmp_path):
    first = take(tree, LAB, tmp_path / "one").sha256
    assert take(tree, LAB, tmp_path / "two").sha256 == first
    (tree / "starter" / PACKAGE / "method.py").write_text("# other\n")
    assert take(tree, LAB, tmp_path / "three").sha256 != first


def test_of_two_copies_of_the_lab_the_complete_one_counts(tree, tmp_path):
    pack(tree, tmp_path / "s.zip", "work/final")
    with zipfile.ZipFile(tmp_path / "s.zip", "a") as archive:
        archive.writestr(f"starter/{PACKAGE}/method.py", "old = True\n")
        archive.writestr(f"__MACOSX/starter/{PACKAGE}/._method.py", "\0")
    taken = take(tmp_path / "s.zip", LAB, tmp_path / "clean")
    assert "old = True" not in (taken.tree / "starter" / PACKAGE / "method.py").read_text()
    assert taken.findings == {}


def test_links_in_a_folder_are_left_out(tree, tmp_path):
    method = tree / "starter" / PACKAGE / "method.py"
    method.unlink()
    method.symlink_to("/etc/passwd")
    (tree / "starter" / PACKAGE / "loop").symlink_to(tree)
    taken = take(tree, LAB, tmp_path / "clean")
    assert any("method.py is a link" in note for note in taken.notes)
    assert taken.findings["4.7"].state == "missing"
    assert "4.13" not in taken.findings


def test_too_many_files_in_a_folder_are_not_read(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(MAX_FILES + 5):
        (folder / f"{number}.txt").write_text("")
    taken = take(folder, LAB, tmp_path / "clean")
    assert any(f"{MAX_FILES:,}" in note for note in taken.notes)


def test_a_syntax_error_costs_the_todos_of_its_file_and_names_the_line(tree, tmp_path):
    method = tree / "starter" / PACKAGE / "method.py"
    method.write_text("x = 1\ndef broken(:\n")
    findings = take(tree, LAB, tmp_path / "clean").findings
    assert {LAB_TODO[key].file for key in findings} == {"method.py"}
    assert findings["4.7"].state == "syntax" and "line 2" in findings["4.7"].words


def test_a_forbidden_import_costs_the_todos_that_forbid_it(tree, tmp_path):
    method = tree / "starter" / PACKAGE / "method.py"
    method.write_text(f"import trl.trainer\n{method.read_text()}")
    findings = take(tree, LAB, tmp_path / "clean").findings
    assert {key: finding.state for key, finding in findings.items()} == dict.fromkeys(
        ["4.3", "4.5", "4.6"], "forbidden"
    )
    assert "trl" in findings["4.3"].words


LAB_TODO = {todo.id: todo for todo in LAB.todos}


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\0",
        b"\xff\xfe",
        b"(" * 100_000,
        b"-" * 400_000 + b"1",
        b"a" + b".b" * 150_000,
        b"# coding: no-such\nx = 1\n",
    ],
    ids=["null", "bytes", "parentheses", "minus", "dots", "encoding"],
)
def test_source_that_no_parser_likes_is_a_finding(tree, tmp_path, nonsense):
    (tree / "starter" / PACKAGE / "evaluate.py").write_bytes(nonsense)
    findings = take(tree, LAB, tmp_path / "clean").findings
    assert findings["4.13"].state == "syntax" and "4.7" not in findings


def test_a_manifest_of_another_release_is_a_note(tree, tmp_path):
    (tree / "manifest.json").write_text('{"release": "2020.01"}')
    assert any("2020.01" in note for note in take(tree, LAB, tmp_path / "one").notes)
    for number, text in enumerate(['{"release": "<b>"}', "[" * 100_000, "7", '{"release": {}}']):
        (tree / "manifest.json").write_text(text)
        notes = take(tree, LAB, tmp_path / f"bad{number}").notes
        assert not any("<b>" in note for note in notes)


def test_no_such_submission_is_one_clear_error(tmp_path):
    with pytest.raises(LabError, match="no such path"):
        take(tmp_path / "nowhere.zip", LAB, tmp_path / "clean")
