"""The worker and its client: calls, fixtures, handles, errors, seeds, speed; in every sandbox here."""

import time

import pytest
import torch

from grading import backends, sandbox
from grading.client import Handle, Worker, WorkerCrashed, WorkerRefused, WorkerTimeout
from grading.confine import Limits
from grading.plugin import seed_of
from grading.tests.submissions import PACKAGE, reference
from labkit.errors import LabError
from labkit.student import StudentError

BACKENDS = ["bubblewrap", "user", *(["container"] if backends.container_tool() else [])]


@pytest.fixture(scope="module", params=[*BACKENDS, "limits"])
def worker(request, tmp_path_factory):
    found = sandbox.probe(request.param)
    if not found.works:
        pytest.skip(f"{request.param}: {found.reason}")
    tree = reference(tmp_path_factory.mktemp("reference"))
    with Worker(tree, lab="lab4", backend=request.param) as worker:
        yield worker


@pytest.fixture
def lab(worker):
    with worker.lab("test", seed=7) as lab:
        yield lab


def with_method(worker: Worker, folder, text: str) -> None:
    """Puts a submission into the worker whose method.py is `text`."""
    tree = reference(folder)
    (tree / "starter" / PACKAGE / "method.py").write_text(text)
    worker.use(tree)


@pytest.fixture(autouse=True)
def reference_again(worker, tmp_path):
    yield
    worker.use(reference(tmp_path / "reference_again"))


def test_a_call_gives_a_fresh_plain_value(lab):
    assert lab.method.majority_vote(["7", "5", "5", "7"]) == "7"
    assert lab.method.majority_vote(answers=[None]) is None


def test_fixtures_stay_in_the_worker_and_can_be_passed_on(lab):
    tokenizer = lab.make("tiny_tokenizer")
    assert type(tokenizer) is Handle
    prompt = lab.data.build_gsm_prompt("How many?", tokenizer)
    assert type(prompt) is str and "How many?" in prompt
    rows = lab.data.encode_function({"question": ["a"], "answer": ["b"]}, tokenizer, 64)
    assert type(rows) is dict and type(rows["input_ids"][0][0]) is int


def test_a_handle_lives_for_one_test(worker):
    with worker.lab("one", seed=1) as first:
        tokenizer = first.make("tiny_tokenizer")
    with worker.lab("two", seed=1) as second, pytest.raises(WorkerCrashed):
        second.data.build_gsm_prompt("How many?", tokenizer)


def test_only_the_functions_of_the_course_table_can_be_called(worker, lab):
    with pytest.raises(LabError, match="method.os"):
        lab.method.os("id")
    with pytest.raises(AttributeError):
        lab.run.main()
    with pytest.raises(StudentError) as refused:  # the worker refuses too, were the client fooled
        lab._session.ask({"do": "call", "module": "run", "function": "main", "args": [], "kwargs": {}})
    assert refused.value.student_type == "PermissionError"


def test_an_exception_arrives_as_its_builtin_type_with_the_students_line(worker, tmp_path):
    text = "class Mine(ValueError):\n    pass\n\n\n"
    text += "def majority_vote(answers):\n    raise Mine('the input was 7')\n"
    with_method(worker, tmp_path / "error", text)
    with worker.lab("error", seed=1) as lab, pytest.raises(ValueError) as caught:
        lab.method.majority_vote([])
    error = caught.value
    assert isinstance(error, StudentError) and (error.student_type, error.student_file) == (
        "Mine",
        "method.py",
    )
    assert error.student_line == 6 and "the input" not in str(error)


def test_an_untouched_stub_is_recognised_by_its_own_words(worker, tmp_path):
    stub = (
        'raise NotImplementedError("TODO 4.7 majority_vote: see notebooks/lab4_best_of_n.ipynb, section 7")'
    )
    with_method(worker, tmp_path / "stub", f"def majority_vote(answers):\n    {stub}\n")
    with (
        worker.lab("stub", seed=1) as lab,
        pytest.raises(NotImplementedError, match="TODO 4.7 majority_vote"),
    ):
        lab.method.majority_vote([])


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("def majority_vote(answers):\n    return {(1, 2): 3}\n", "type"),
        ("import numpy as np\n\ndef majority_vote(answers):\n    return np.array(['a'])\n", "type"),
        ("def majority_vote(answers):\n    return [[0] * 600_000]\n", "size"),
        (
            "import numpy as np\n\ndef majority_vote(answers):\n    return np.zeros(5_000_000, np.half)\n",
            "size",
        ),
    ],
)
def test_a_value_that_may_not_cross_is_said_in_words(worker, tmp_path, text, state):
    from grading.client import REFUSALS

    with_method(worker, tmp_path / "refused", text)
    with worker.lab("refused", seed=1) as lab, pytest.raises(WorkerRefused) as refused:
        lab.method.majority_vote([])
    assert str(refused.value) == REFUSALS[state]


def test_containers_of_libraries_arrive_as_plain_ones(worker, tmp_path):
    text = "from collections import Counter\nimport torch\n\ndef majority_vote(answers):\n"
    text += "    return Counter(answers), torch.zeros(2, 3).shape, torch.tensor([1, 2])[0]\n"
    with_method(worker, tmp_path / "containers", text)
    with worker.lab("containers", seed=1) as lab:
        counts, shape, scalar = lab.method.majority_vote(["a", "a"])
    assert counts == {"a": 2} and type(counts) is dict
    assert shape == (2, 3) and type(shape) is tuple and torch.equal(scalar, torch.tensor(1))


SECRETLY = {
    "exec": "exec('import tr' + 'l')",
    "pieces": "importlib.import_module('t' + 'rl')",
    "from a part": "exec('from trl.trainer import utils')",
    "the standard library": "import pkgutil; pkgutil.resolve_name('tr' + 'l')",
}


@pytest.mark.parametrize("name", SECRETLY)
def test_a_forbidden_library_can_not_be_imported_in_secret(worker, tmp_path, name):
    text = "import importlib, sys\n\ndef score_samples_batched(*args):\n    " + SECRETLY[name]
    text += "\n    return 'trl' in sys.modules\n\nmajority_vote = score_samples_batched\n"
    with_method(worker, tmp_path / "secret", text)
    with worker.lab("secret", seed=1) as lab:
        with pytest.raises(StudentError) as caught:
            lab.method.score_samples_batched()
        assert (caught.value.student_type, caught.value.student_line) == ("ForbiddenImport", 4)
    with_method(worker, tmp_path / "allowed", text.replace("tr' + 'l", "json").replace("t' + 'rl", "json"))
    with worker.lab("allowed", seed=1) as lab:
        if "trl" not in SECRETLY[name]:
            assert lab.method.score_samples_batched() is False


def test_nothing_survives_a_test(worker, tmp_path):
    text = "import os\nseen = []\n\ndef majority_vote(answers):\n    seen.append(1)\n"
    text += "    path = os.environ['TMPDIR'] + '/mark'\n    old = os.path.exists(path)\n"
    text += "    open(path, 'w').close()\n"
    text += "    return [len(seen), old]\n"
    with_method(worker, tmp_path / "memory", text)
    for _ in range(2):
        with worker.lab("memory", seed=1) as lab:
            assert lab.method.majority_vote([]) == [1, False]
            assert lab.method.majority_vote([]) == [2, True]


def test_a_child_that_is_still_busy_is_ended_with_its_test(worker, tmp_path):
    text = "import os, threading\n\ndef majority_vote(answers):\n"
    text += "    if os.fork() == 0:\n        while True: pass\n"
    text += "    threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()\n    return 'busy'\n"
    with_method(worker, tmp_path / "busy", text)
    before = list(worker.losses)
    for _ in range(2):
        with worker.lab("busy", seed=1) as lab:
            assert lab.method.majority_vote([]) == "busy"
            assert worker.processes() or worker.backend == "container"
        worker.settle()
        assert not worker.processes() and worker.losses == before


def test_a_parent_that_is_interrupted_goes_on(worker, tmp_path):
    """As process 1 of a namespace it gets the signals that Python listens to: SIGINT."""
    text = "import os, signal\n\ndef majority_vote(answers):\n    try:\n"
    text += "        os.kill(os.getppid(), signal.SIGINT)\n    except PermissionError:\n        pass\n"
    text += "    return 'sent'\n\ndef best_of_n(answers, rewards):\n    os.kill(os.getpid(), signal.SIGINT)\n"
    with_method(worker, tmp_path / "interrupt", text)
    before = list(worker.losses)
    for _ in range(2):
        with worker.lab("interrupt", seed=1) as lab:
            assert lab.method.majority_vote([]) == "sent"
            with pytest.raises(StudentError) as caught:  # in the child it is what it is everywhere
                lab.method.best_of_n([], [])
            assert caught.value.student_type == "KeyboardInterrupt"
        worker.settle()
    assert worker.losses == before


def test_a_module_that_is_never_imported_costs_two_waits(worker, tmp_path, monkeypatch):
    with_method(worker, tmp_path / "asleep", "import time\ntime.sleep(1_000_000)\n")
    waited = []
    for _ in range(4):
        with monkeypatch.context() as patch:
            patch.setattr(worker, "limits", Limits(cpu_seconds=3, wall_factor=1))
            started = time.monotonic()
            with (
                worker.lab("asleep", seed=1) as lab,
                pytest.raises(WorkerTimeout, match="not finish within 3 seconds"),
            ):
                lab.method.majority_vote([])
            waited.append(time.monotonic() - started >= 3)
    assert waited == [True, True, False, False]
    with worker.lab("awake", seed=1) as lab:
        assert lab.evaluate.best_of_n_kl_bound(1) == 0.0
    worker.use(reference(tmp_path / "another"))
    with worker.lab("another", seed=1) as lab:
        assert lab.method.majority_vote(["7"]) == "7"


def test_a_fork_is_quick(worker):
    """The design allows 0.15 s for each test; the best of three, since the machine may be busy."""
    with worker.lab("warm", seed=1):
        pass
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        with worker.lab("quick", seed=1) as lab:
            lab.method.majority_vote(["7"])
        seconds.append(time.monotonic() - started)
    assert min(seconds) < 0.6


def test_the_seed_depends_on_secret_submission_and_test():
    seeds = {
        seed_of(secret, sha, test) for secret in (b"a", b"b") for sha in ("1", "2") for test in ("x", "y")
    }
    assert len(seeds) == 8 and seed_of(b"a", "1", "x") in seeds


def test_the_same_seed_gives_the_same_inputs(worker):
    draws = []
    for seed in (3, 3, 4):
        with worker.lab("rng", seed=seed) as lab:
            draws.append(int(lab.rng.integers(10**9)))
    assert draws[0] == draws[1] != draws[2]
