"""Intake: where the lab is found in an upload, what is kept, and the words for what is not.

Hostile zips are in test_attacks.py.
"""

import os
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from grading import parsing
from grading.intake import take
from grading.results import Ledger
from grading.tests.sample_results import promised_rows, run_data
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


def test_a_folder_a_thousand_deep_is_a_note(tree, tmp_path):
    place = os.open(tree, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=place)
        place, above = os.open("d", os.O_RDONLY, dir_fd=place), place
        os.close(above)
    os.close(place)
    taken = take(tree, LAB, tmp_path / "clean")
    assert any("deep" in note for note in taken.notes) and taken.findings == {}
    remove_deep(tree / "d")


def remove_deep(folder):
    """shutil.rmtree of Python 3.11 calls itself for each level."""
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_a_name_that_is_no_text_is_a_note_that_can_be_written(tree, tmp_path):
    os.symlink(b"/etc/passwd", os.fsencode(tree) + b"/starter/\xff\xfe")
    taken = take(tree, LAB, tmp_path / "clean")
    ledger = Ledger(tmp_path / "results.json", run_data(), promised_rows())
    ledger.update(notes=taken.notes)
    assert "is a link" in " ".join(ledger.finish("").extra_data.notes) and taken.findings == {}


def test_what_can_not_be_read_is_left_out_and_the_rest_counts(tree, tmp_path, monkeypatch):
    """Root reads everything, so two refusals are made: of a file's content, and of a folder's list."""
    (tree / "closed").mkdir()
    (tree / "starter" / PACKAGE / "extra.py").write_text("x = 1\n")
    real_open, real_scandir = Path.open, os.scandir

    def no_open(self, *args, **kwargs):
        if self.name == "extra.py":
            raise PermissionError(13, "Permission denied")
        return real_open(self, *args, **kwargs)

    def no_scandir(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return real_scandir(path)

    monkeypatch.setattr(Path, "open", no_open)
    monkeypatch.setattr(os, "scandir", no_scandir)
    taken = take(tree, LAB, tmp_path / "clean")
    notes = " ".join(taken.notes)
    assert "extra.py can't be read (Permission denied)" in notes and "closed can't be read" in notes
    assert f"starter/{PACKAGE}/method.py" in taken.files and taken.findings == {}


def test_a_file_wins_over_a_folder_of_its_name(tree, tmp_path):
    pack(tree, tmp_path / "s.zip")
    with zipfile.ZipFile(tmp_path / "s.zip", "a") as archive:
        archive.writestr(f"starter/{PACKAGE}/method.py/x.py", "x = 1\n")
    taken = take(tmp_path / "s.zip", LAB, tmp_path / "clean")
    assert f"starter/{PACKAGE}/method.py" in taken.files and taken.findings == {}


SLOW = {
    "punycode": b"# coding: punycode\n" + b"abcd" * 120_000 + b"-" + b"z9" * 10_000,
    "f-string": b'f"' + b"{a!r:{b}}" * 55_000 + b'"',
}


@pytest.mark.parametrize("name", SLOW)
def test_source_that_takes_long_to_read_costs_its_own_file_and_few_seconds(tree, tmp_path, name, monkeypatch):
    monkeypatch.setattr(parsing, "CPU_SECONDS", 1)
    (tree / "starter" / PACKAGE / "evaluate.py").write_bytes(SLOW[name])
    started = time.process_time()
    findings = take(tree, LAB, tmp_path / "clean").findings
    assert findings["4.13"].state == "syntax" and "4.7" not in findings and "4.1" not in findings
    assert time.process_time() - started < 1, "the grader's own process reads none of it"


def test_another_encoding_is_refused_in_words(tree, tmp_path):
    (tree / "starter" / PACKAGE / "evaluate.py").write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    assert "save it as UTF-8" in take(tree, LAB, tmp_path / "clean").findings["4.13"].words


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


@pytest.mark.parametrize(
    ("helper", "line"),
    [
        ("helper.py", "from .helper import loss"),
        ("helper.py", "from . import helper"),
        ("helper.py", f"import starter.{PACKAGE}.helper"),
        ("helper.py", f"import importlib\nimportlib.import_module('starter.{PACKAGE}.helper')"),
        ("inner/helper.py", "from .inner.helper import loss"),
        ("inner/__init__.py", "from .inner import other"),
        ("__init__.py", ""),
    ],
)
def test_a_forbidden_import_in_a_helper_costs_the_todos_that_reach_it(tree, tmp_path, helper, line):
    folder = tree / "starter" / PACKAGE
    (folder / helper).parent.mkdir(exist_ok=True)
    (folder / helper).write_text("def loss():\n    from trl import DPOTrainer\n    return DPOTrainer\n")
    method = folder / "method.py"
    method.write_text(f"{method.read_text()}\n{line}\n")
    findings = take(tree, LAB, tmp_path / "clean").findings
    assert {findings[todo].state for todo in ("4.3", "4.5", "4.6")} == {"forbidden"}
    assert f"{helper}, line 2" in findings["4.3"].words and "4.7" not in findings
    assert ("4.13" in findings) == (helper == "__init__.py"), "evaluate.py does not import the helper"


def test_a_helper_of_one_todo_costs_no_other(tree, tmp_path):
    folder = tree / "starter" / PACKAGE
    (folder / "helper.py").write_text("import trl\n")
    method = folder / "method.py"
    inside = (
        "def build_trainer(model, tokenizer, config, train_rows, output_dir):\n    from . import helper\n"
    )
    method.write_text(f"{method.read_text()}\n{inside}")
    assert set(take(tree, LAB, tmp_path / "clean").findings) == {"4.3"}


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
