"""`grading verify` and `grading effects` on a small course: sound, and with each thing broken."""

import json

import hypothesis  # noqa: F401, imported once here: the forks of every variant inherit it
import pytest
import torch  # noqa: F401, as above

from grading.build import build
from grading.effects import as_record, meets, over_seeds, summarise
from grading.stage import read_mutant
from grading.tests.small_course import change, write_small_course
from grading.variants import Variant, run_variants
from grading.verify import SECTIONS, Work, compare_effects, names_mistake, run_notebook, verify
from labkit.course import load_course
from labkit.errors import LabError

HIDDEN = "grading/hidden/test_lab7_toy.py"
PROVED = ["build", "ids", "solution", "stubs", "mutants"]


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setattr("grading.verify.warm", lambda: None)  # the small course loads no model
    root = write_small_course(tmp_path, real_labkit=True)
    build(root)
    return root


def wrong(root, section):
    table = load_course(root)
    proofs = SECTIONS[section](Work(root, table, list(table.labs), processes=2))
    return {proof.what: proof.wrong for proof in proofs if proof.wrong}


def test_a_sound_course_is_proved(course, capsys):
    change(course / "grading/mutants/lab7_toy/7.2__cut_off.py", "whole numbers only", "whole numbers")
    assert verify(only=PROVED, root=course), capsys.readouterr().out
    assert "everything holds" in capsys.readouterr().out


def test_a_solution_that_fails_a_hidden_test_is_named(course):
    change(course / "solutions/lab7_toy/method.py", "return number / 2", "return float(number // 2)")
    found = wrong(course, "solution")
    assert list(found) == ["7.2 hidden test_odd_numbers_keep_their_half"]


def test_a_test_that_passes_on_the_stub_is_named(course):
    change(
        course / HIDDEN,
        "got = lab.method.halve(7.0)",
        'with pytest.raises(ValueError):\n        lab.method.halve(float("nan"))\n    got = 3.5',
    )
    assert wrong(course, "stubs") == {
        "7.2 hidden test_odd_numbers_keep_their_half": "passes although nothing is written"
    }


def test_a_test_that_calls_another_todo_is_named(course):
    change(course / HIDDEN, "got = lab.method.halve(7.0)", "got = lab.method.halve(lab.method.double(3.5))")
    assert wrong(course, "ids") == {
        "7.2 test_odd_numbers_keep_their_half calls only its own TODO": "it also calls double"
    }


def test_a_mutant_that_no_test_notices_is_named(course):
    change(course / "grading/mutants/lab7_toy/7.1__square.py", "number * number", "2 * number")
    found = wrong(course, "mutants")
    assert found == {"7.1__square.py": "test_minus_three_becomes_minus_six passes"}


def test_a_message_that_does_not_name_the_mistake_is_named(course):
    change(course / HIDDEN, '{"the square, not the double": 9, "the sign was lost": 6}', "{}")
    found = wrong(course, "mutants")
    assert "fails without naming the mistake" in found["7.1__square.py"]


@pytest.mark.parametrize(("says", "but"), [("passes", "fails"), ("fails", "every visible test passes")])
def test_a_wrong_claim_about_visible_tests_is_named(course, says, but):
    name = "7.2__not_halved.py" if says == "passes" else "7.1__square.py"
    path = course / "grading/mutants/lab7_toy" / name
    change(path, "visible: fails" if says == "passes" else "visible: passes", f"visible: {says}")
    assert but in wrong(course, "mutants")[name]


def test_a_todo_needs_two_mutants_and_one_that_visible_tests_miss(course):
    (course / "grading/mutants/lab7_toy/7.1__square.py").unlink()
    (course / "grading/mutants/lab7_toy/7.2__cut_off.py").write_text(
        "# MUTANT 7.2 method.py — not half the number | caught by: test_four_becomes_two | visible: fails\n"
        "def halve(number):\n    return None\n"
    )
    found = wrong(course, "mutants")
    assert found["7.1 double has mutants"] == "1 mutants; at least two"
    assert found["7.2 halve has mutants"] == "no mutant that the visible tests miss"


def test_a_mutant_that_never_ends_is_stopped(course):
    path = course / "grading/mutants/lab7_toy/7.1__square.py"
    change(path, "    return number * number", "    while True:\n        pass")
    lab = load_course(course).lab("lab7")
    variant = Variant("endless", read_mutant(path, course).path, ("7.1",))
    with pytest.raises(LabError, match="endless"):
        run_variants([variant], lab, course, timeout=8)


@pytest.mark.parametrize(
    ("message", "mistake", "names"),
    [
        ("the latest of the tied answers won", "ties go to the latest answer", True),
        ("the result is not the expected one", "ties go to the latest answer", False),
        ("k > n: no more samples were drawn", "k > n gives 1.0", True),
        ("wrong\n  your function gave: 'latest'\n  expected: 'x'", "the latest answer", False),
    ],
)
def test_a_message_names_a_mistake_by_a_shared_telling_word(message, mistake, names):
    assert names_mistake(message, mistake) == names


def test_the_notebook_runs_and_its_effects_are_compared(course, tmp_path):
    lab = load_course(course).lab("lab7")
    seconds, effects = run_notebook(lab, course)
    assert effects == {"sum": 5.0} and seconds < 60
    expected = tmp_path / "expected.json"
    for values, failures in (([4.9, 5.1, 5.0], 0), ([7.0, 7.1, 7.2], 1)):
        expected.write_text(json.dumps({"effects": {"sum": {"values": values}}}))
        assert sum(bool(proof.wrong) for proof in compare_effects(lab, effects, expected)) == failures


def test_a_cell_that_fails_is_named(course):
    change(course / "solutions/lab7_toy/lab.py", 'effects = {"sum": total}', "1 / 0")
    with pytest.raises(LabError, match=r"ZeroDivisionError(.|\n)*cell 1-0: 1 / 0"):
        run_notebook(load_course(course).lab("lab7"), course)


def test_an_unknown_section_is_refused(course):
    with pytest.raises(LabError, match="everything"):
        verify(only=["everything"], root=course)


# ---- effects ----


@pytest.mark.parametrize(
    ("mean", "target", "holds"),
    [(30, ">= 30", True), (0, "> 0", False), (0.9, "<= 1", True), (1, "< 1", False), (-3, ">= -2.5", False)],
)
def test_a_target_is_a_comparison(mean, target, holds):
    assert meets(mean, target) == holds


def test_a_target_of_another_form_is_refused():
    with pytest.raises(LabError, match="a target such as"):
        meets(1.0, "about 30")


def test_records_are_combined_number_by_number():
    seeds = [{"n": [1, 2], "name": "a", "peak": 3.0}, {"n": [3, 6], "name": "a", "peak": None}]
    assert over_seeds(seeds, max) == {"n": [3.0, 6.0], "name": "a", "peak": None}
    with pytest.raises(LabError, match="different length"):
        over_seeds([{"n": [1]}, {"n": [1, 2]}], max)


def test_an_effect_holds_when_its_mean_reaches_the_target(course):
    lab = load_course(course).lab("lab7")
    runs = [
        {"effects": {"gain": v, "loss": v}, "targets": {"gain": ">= 0.05", "loss": "> 0.2"}}
        for v in (0.04, 0.08)
    ]
    effects = summarise(runs, lab)
    assert (effects["gain"].mean, effects["gain"].holds, effects["loss"].holds) == (
        pytest.approx(0.06),
        True,
        False,
    )
    record = as_record(lab, [1, 2], effects)
    assert record["command"] == 'make effects LAB=lab7 SEEDS="1 2"'
    assert set(record["effects"]["gain"]) == {"target", "mean", "sd", "values", "holds"}


@pytest.mark.parametrize("effects", [{}, {"gain": float("nan")}, {"gain": 1.0, "more": 2.0}])
def test_effects_that_do_not_fit_the_targets_are_refused(course, effects):
    with pytest.raises(LabError):
        summarise([{"effects": effects, "targets": {"gain": "> 0"}}], load_course(course).lab("lab7"))


def test_records_are_combined_number_by_number_over_seeds():
    trees = [{"k": [1, 2], "unit": "nats", "end": None}, {"k": [3, 2], "unit": "nats", "end": 0.5}]
    assert over_seeds(trees, min) == {"k": [1.0, 2.0], "unit": "nats", "end": None}
    assert over_seeds(trees, max)["k"] == [3.0, 2.0]


@pytest.mark.parametrize("other", [{"k": [1.0]}, {"n": [1.0, 2.0]}, [1.0, 2.0]])
def test_records_of_different_shape_are_refused(other):
    with pytest.raises(LabError):
        over_seeds([{"k": [1.0, 2.0]}, other], min)
