"""Hostile submissions, run for real in every sandbox here: they gain nothing and cost only their own tests.

Each attack replaces 4.9 `best_of_n` of the reference solution (or hides in the zip). Its own tests must fail
in the way that its first line says; other TODOs, in the same module and in another, keep their points. One
warmed worker per sandbox runs all attacks in turn, so whatever one of them leaves behind would meet the next.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grading import backends, sandbox
from grading.client import Worker, WorkerFailure
from grading.confine import Limits
from grading.grade import grade
from grading.intake import MAX_NOTES, take
from grading.notebook_merge import merge
from grading.plugin import Outcome, run_hidden_tests
from grading.results import Ledger, load
from grading.tests.sample_results import promised_rows, run_data
from grading.tests.submissions import HIDDEN, ROOT, Attack, attacks, hostile, pack, reference
from labkit.course import load_course
from labkit.student import StudentError

# Small, so that bombs and loops end soon; the shape of the defence is the same as with the real limits.
LIMITS = Limits(cpu_seconds=1, wall_factor=4, memory_mib=400, processes=32, file_mib=16, tmp_mib=64)
OWN = ("test_the_highest_reward_decides", "test_of_equal_rewards_the_earliest_wins_and_none_may_win")
SAME_MODULE, OTHER_MODULE = (
    "test_the_answer_with_most_votes_wins",
    "test_the_bound_is_the_divergence_of_a_maximum",
)

# A machine without docker and podman has no third one; where one is missing that should be there, say so.
BACKENDS = ["bubblewrap", "user", *(["container"] if backends.container_tool() else [])]
CODE, PROBES, ARCHIVES = attacks("code"), attacks("probes"), attacks("archives")
NOTEBOOKS = attacks("notebooks")


@pytest.fixture(scope="module", params=BACKENDS)
def worker(request, tmp_path_factory):
    found = sandbox.probe(request.param)
    if not found.works:
        pytest.skip(f"{request.param}: {found.reason}")
    tree = reference(tmp_path_factory.mktemp("reference"))
    with Worker(tree, lab="lab4", backend=request.param, limits=LIMITS) as worker:
        yield worker


def graded(worker: Worker, submission: Path, into: Path, tests: tuple[str, ...]) -> dict[str, Outcome]:
    """The outcomes of these hidden tests, by name, with the outcome of every one there."""
    taken = take(submission, load_course().lab("lab4"), into)
    worker.use(taken.tree)
    rows: list[Outcome] = []
    run_hidden_tests(
        HIDDEN,
        worker=worker,
        taken=taken,
        secret=b"tests",
        on_outcome=rows.append,
        only=lambda item, test: test in tests,
    )
    assert sorted(row.test for row in rows) == sorted(tests)
    return {row.test: row for row in rows}


@pytest.mark.parametrize("attack", CODE, ids=lambda attack: attack.name)
def test_an_attack_gains_nothing_and_costs_only_its_own_tests(worker, attack, tmp_path):
    own = OWN[:1] if "slow" in attack.facts else OWN
    submission = hostile(tmp_path / "submission", attack.path)
    rows = graded(worker, submission, tmp_path / "clean", (*own, SAME_MODULE, OTHER_MODULE))
    for test in own:
        assert rows[test].earned == 0
        assert rows[test].state in attack.listed("state"), rows[test]
        assert "Traceback" not in rows[test].message and len(rows[test].message) < 600
    assert rows[OTHER_MODULE].state == "passed", rows[OTHER_MODULE]
    assert not Path("/dev/shm/labs_was_here").exists()  # what it left was cleared, what it sent wasn't run
    if "method.py" not in attack.listed("costs"):
        assert rows[SAME_MODULE].state == "passed", rows[SAME_MODULE]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_probe_reaches_nothing(worker, probe, tmp_path, monkeypatch):
    """Before it, other attacks left what they could; around it lie results and a secret of the grader's."""
    results = tmp_path / "out" / "results.json"
    results.parent.mkdir()
    results.write_text("{}")
    results.parent.chmod(0o700)
    monkeypatch.setenv("LABS_GRADER_SECRET", "not for submissions")
    for before in ("leave_a_process", "pickle_that_runs"):
        call(worker, hostile(tmp_path / before, ROOT / f"grading/attacks/code/{before}.py"))
    found = call(
        worker,
        hostile(tmp_path / "probe", probe.path),
        [
            str(path)
            for path in (HIDDEN, HIDDEN.parent, ROOT / "solutions", results, ROOT / "grading" / "cli.py")
        ],
    )
    assert found == []
    assert results.read_text() == "{}"


def call(worker: Worker, tree: Path, answers: list[str] = ("7", "5")) -> object:
    worker.use(tree)
    with worker.lab("probe", seed=1) as lab:
        return lab.method.best_of_n(list(answers), [1.0, 2.0])


@pytest.mark.parametrize("attack", ARCHIVES, ids=lambda attack: attack.name)
def test_a_hostile_zip_is_named_and_leaves_the_rest_graded(attack, tmp_path):
    original = reference(tmp_path / "reference")
    upload, clean = tmp_path / "submission.zip", tmp_path / "into" / "clean"
    build_archive(attack, original, upload)
    clean.parent.mkdir()
    taken = take(upload, load_course().lab("lab4"), clean)

    assert attack.facts["says"] in " ".join(taken.notes), taken.notes
    assert len(taken.notes) <= MAX_NOTES + 1
    assert [path.name for path in clean.parent.iterdir()] == ["clean"]
    assert not Path(tempfile.gettempdir(), "escaped.py").exists()
    for path in clean.rglob("*"):
        assert not path.is_symlink() and path.name.isascii()
        assert path.suffix in ("", ".py", ".yaml", ".ipynb", ".json")
    for name in ("method.py", "evaluate.py"):
        kept = clean / "starter" / "lab4_best_of_n" / name
        source = original / "starter" / "lab4_best_of_n" / name
        assert kept.exists() == (attack.facts["earns"] != "nothing")
        assert not kept.exists() or kept.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("name", ["test_configuration", "shadowed_modules", "empty", "wrong_lab"])
def test_what_a_hostile_zip_holds_never_runs(worker, name, tmp_path):
    attack = next(attack for attack in ARCHIVES if attack.name == name)
    build_archive(attack, reference(tmp_path / "reference"), tmp_path / "submission.zip")
    rows = graded(worker, tmp_path / "submission.zip", tmp_path / "clean", (SAME_MODULE, OTHER_MODULE))
    expected = "missing" if attack.facts["earns"] == "nothing" else "passed"
    assert {row.state for row in rows.values()} == {expected}, rows


@pytest.mark.parametrize("attack", NOTEBOOKS, ids=lambda attack: attack.name)
def test_a_hostile_notebook_changes_no_cell_of_the_staff(attack):
    """What would run: the staff's set-up and tests, and between them the honest answers or none. Its kernel,
    and what answers do while they run, are in test_notebook.py."""
    lab = load_course().lab("lab4")
    staff = (ROOT / lab.notebook).read_bytes()
    honest = merge(staff, json.dumps(answered(staff)).encode(), lab)
    built = build_of(attack)(answered(staff))
    hostile_bytes = built if type(built) is bytes else json.dumps(built).encode()
    merged = merge(staff, hostile_bytes, lab)

    def others(found):
        return [cell for cell in found.cells if cell["kind"] != "answer"]

    assert others(merged) == others(honest)
    answers = [cell for cell in merged.cells if cell["kind"] == "answer"]
    assert all(cell in honest.cells for cell in answers)
    assert len(answers) + len(merged.missing) == len(lab.values)
    assert attack.facts["says"] in " ".join(merged.notes), merged.notes


def answered(staff: bytes) -> dict:
    """The staff's notebook with something in every answer cell."""
    notebook = json.loads(staff)
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = f"answer = {cell['id']!r}"
    return notebook


def build_archive(attack: Attack, original: Path, upload: Path) -> None:
    build_of(attack)(original, upload)


def build_of(attack: Attack) -> Callable:
    """The function `build` of an attack's file."""
    namespace: dict = {}
    exec(compile(attack.path.read_text(), attack.path, "exec"), namespace)
    return namespace["build"]


def test_a_whole_grading_of_an_attack_has_every_row_and_the_points_of_the_other_modules(tmp_path):
    pack(hostile(tmp_path / "tree", ROOT / "grading/attacks/code/exit_on_import.py"), tmp_path / "s.zip")
    results = grade(tmp_path / "s.zip", "lab4", tmp_path / "out", notebook=False, secret=b"x" * 16)
    lab = load_course().lab("lab4")
    spared = sum(todo.points for todo in lab.todos if todo.file != "method.py")
    assert load(tmp_path / "out" / "results.json") == results and results.extra_data.complete
    assert (results.score, results.possible()) == (spared, 70)
    states = {row.extra_data.state for row in results.tests if row.extra_data.file == "method.py"}
    assert states == {"crashed"}


def test_a_whole_grading_of_an_unreadable_upload_has_every_row_with_zero(tmp_path):
    attack = next(attack for attack in ARCHIVES if attack.name == "ten_thousand_files")
    build_archive(attack, reference(tmp_path / "reference"), tmp_path / "s.zip")
    results = grade(tmp_path / "s.zip", "lab4", tmp_path / "out", notebook=False, secret=b"x" * 16)
    assert (results.score, results.possible()) == (0, 70)
    rows = [row for row in results.tests if row.extra_data.kind == "module"]
    assert {row.extra_data.state for row in rows} == {"missing"}
    assert any("10,0" in note for note in results.extra_data.notes)


def test_names_in_a_zip_write_nothing_on_the_page(tmp_path):
    attack = next(attack for attack in ARCHIVES if attack.name == "names_that_write")
    build_archive(attack, reference(tmp_path / "reference"), tmp_path / "s.zip")
    taken = take(tmp_path / "s.zip", load_course().lab("lab4"), tmp_path / "clean")
    run = run_data().model_copy(update={"notes": []})
    ledger = Ledger(tmp_path / "results.json", run, promised_rows())
    ledger.update(notes=taken.notes)
    notes = ledger.finish("").extra_data.notes
    assert notes and all(len(note) <= 300 and note.isprintable() for note in notes)


def test_the_worker_survived_all_attacks(worker, tmp_path):
    """Nothing above ended the warmed parent, and a plain submission still gets its points."""
    assert worker.losses == []
    pack(reference(tmp_path / "tree"), tmp_path / "plain.zip")
    rows = graded(worker, tmp_path / "plain.zip", tmp_path / "clean", (*OWN, SAME_MODULE, OTHER_MODULE))
    assert {row.state for row in rows.values()} == {"passed"}


def test_a_worker_that_is_killed_costs_one_test(worker, tmp_path):
    worker.use(reference(tmp_path / "tree"))
    with worker.lab("first", seed=1) as lab:
        worker._box.kill_all()
        with pytest.raises(WorkerFailure, match="ended the process"):
            for _ in range(100):
                lab.method.majority_vote(["7"])
    with worker.lab("second", seed=1) as lab:
        assert lab.method.majority_vote(["7", "7", "5"]) == "7"
    assert worker.losses


def test_limits_is_refused_for_others_unless_asked_for_by_name(monkeypatch):
    refused = sandbox.Probe("x", "switched off for this test")
    real = backends.probe
    monkeypatch.setattr(backends, "probe", lambda name: real(name) if name == "limits" else refused)
    with pytest.raises(sandbox.SandboxError, match="--backend limits"):
        sandbox.choose("auto")
    assert sandbox.choose("auto", own_code=True) == "limits"
    assert sandbox.choose("limits") == "limits"


def test_an_own_error_names_type_and_line_and_no_words(worker, tmp_path):
    worker.use(hostile(tmp_path / "tree", ROOT / "grading/attacks/code/lie_about_the_error.py"))
    with worker.lab("error", seed=1) as lab, pytest.raises(StudentError) as caught:
        lab.method.best_of_n(["7"], [1.0])
    assert "100/100" not in str(caught.value) and caught.value.student_file == "method.py"
