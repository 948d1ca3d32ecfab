"""results.json: the model refuses what Gradescope would misread, and the file is valid at every moment."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from grading.results import SCHEMA_FILE, Ledger, Results, Row, RowData, clean_text, load, schema_text
from grading.tests.sample_results import half_done, promised_rows, run_data


def test_the_committed_schema_is_the_models():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: python -m grading.results"


def test_a_written_file_satisfies_the_schema_and_reads_back(tmp_path):
    results = half_done(tmp_path)
    raw = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    jsonschema.validate(raw, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    assert load(tmp_path / "results.json") == results


def test_only_keys_of_gradescopes_specification_are_written(tmp_path):
    half_done(tmp_path)
    raw = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    top = {"score", "execution_time", "output", "output_format", "visibility", "stdout_visibility"}
    assert set(raw) <= top | {"extra_data", "tests"}
    row = {"score", "max_score", "status", "name", "number", "output", "output_format", "tags"}
    assert all(set(test) <= row | {"visibility", "extra_data"} for test in raw["tests"])


def test_rows_a_person_grades_carry_neither_score_nor_max_score(tmp_path):
    half_done(tmp_path)
    raw = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    written = [test for test in raw["tests"] if test["extra_data"]["kind"] == "written"]
    assert len(written) == 3
    assert all("score" not in test and "max_score" not in test and "status" not in test for test in written)


def test_the_first_version_holds_every_row_with_zero(tmp_path):
    Ledger(tmp_path / "results.json", run_data(), promised_rows())
    first = load(tmp_path / "results.json")
    assert first.score == 0 and first.possible() == 85 and not first.extra_data.complete
    assert len(first.tests) == 2 * 17 + 5 + 3


@pytest.mark.parametrize(
    "change",
    [
        {"score": 3.0},
        {"score": None},
        {"score": float("nan")},
        {"score": -1.0},
        {"leaderboard": []},
        {"visibility": "sometimes"},
    ],
)
def test_a_wrong_row_is_refused(change):
    row = promised_rows()[0].model_dump() | {"max_score": 2.0}
    with pytest.raises(ValidationError):
        Row(**(row | change))


def test_a_score_that_is_not_the_sum_is_refused(tmp_path):
    results = half_done(tmp_path)
    with pytest.raises(ValidationError, match="not the sum"):
        Results(**(dict(results) | {"score": 85.0}))


def test_more_points_than_promised_are_refused(tmp_path):
    ledger = Ledger(tmp_path / "results.json", run_data(), promised_rows())
    with pytest.raises(ValidationError, match="above max_score"):
        ledger.record("4.1-0", "passed", 99.0, "")
    assert load(tmp_path / "results.json").score == 0


def test_a_test_promised_twice_is_refused(tmp_path):
    rows = promised_rows()
    with pytest.raises(ValueError, match="promised once"):
        Ledger(tmp_path / "results.json", run_data(), [rows[0], rows[0]])


def test_a_note_has_no_points():
    data = RowData(kind="note", state="note")
    with pytest.raises(ValidationError, match="module and value rows carry points"):
        Row(number="0", name="late", score=1.0, max_score=1.0, extra_data=data)


WRITER = """
import sys
from pathlib import Path
from grading.results import Ledger
from grading.tests.sample_results import promised_rows, run_data
rows = promised_rows()
ledger = Ledger(Path(sys.argv[1]), run_data(), rows)
print("ready", flush=True)
while True:
    for row in rows:
        if row.max_score:
            ledger.record(row.extra_data.test, "passed", row.max_score, "x" * 4000)
"""


def test_a_killed_run_leaves_a_valid_file(tmp_path):
    path = tmp_path / "results.json"
    for moment in (0.01, 0.05, 0.11):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        process.stdout.readline()
        time.sleep(moment)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        results = load(path)
        assert not results.extra_data.complete and len(results.tests) == 42


def test_text_is_freed_of_escapes_controls_and_direction_marks():
    hostile = "a\x1b[31mred\x1b[0m\x1b]0;title\x07\x00\u202eexe\u200b\ud800b\r\nc\td"
    assert clean_text(hostile) == "ared\ufffd\ufffdexe\ufffd\ufffdb\nc\td"


def test_long_text_keeps_its_beginning_and_end():
    text = clean_text("A" * 10_000_000 + "Z", limit=300)
    assert text.startswith("AAA") and text.endswith("Z") and "characters cut" in text and len(text) <= 300
    assert clean_text(text, limit=300) == text


def test_names_and_notes_of_strangers_are_clean_in_every_field_and_always_written(tmp_path):
    name = "half\ud800 \x1b[31m\nforged line " + "x" * 5000
    ledger = Ledger(tmp_path / "results.json", run_data(submission=name), promised_rows())
    ledger.update(notes=[name], staff=name)
    data = RowData(kind="note", state="note")
    ledger.add(Row(number="", name=name, output=name, extra_data=data))
    results = ledger.finish("done")
    assert load(tmp_path / "results.json") == results
    for text in (results.extra_data.submission, results.extra_data.notes[0], results.tests[-1].name):
        assert len(text) <= 300 and text.isprintable()
    assert not set("\x1b\ud800") & set(results.extra_data.staff)
