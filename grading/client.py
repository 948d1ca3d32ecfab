"""The trusted side of the worker: calls that look like function calls.

    with Worker(clean_tree, lab="lab4") as worker:           # warms up in the background
        with worker.lab("test_ties", seed=7) as lab:         # one test = one fork
            lab.method.majority_vote(["7", "5", "5", "7"])   # -> "7", freshly built from bytes
            tokenizer = lab.make("tiny_tokenizer")           # -> Handle(id="9f…", kind="…Tokenizer")
            lab.data.build_gsm_prompt("How many?", tokenizer)

`lab` has the API of `labkit.testing.LocalLab`, so a test can't tell which one it has. What can go wrong in
a call is in `session.py`; each failure costs the test in which it happens and no other: the next
`worker.lab` starts clean, with a new parent if the old one is gone, however often. Not covered: several
submissions at once (one Worker each).
"""

import contextlib
import json
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from psutil import Process

from grading.codec import Handle
from grading.confine import Limits
from grading.sandbox import Box, SandboxError, choose, site_packages
from grading.session import (
    REFUSALS,
    Session,
    WorkerCrashed,
    WorkerFailure,
    WorkerOutOfMemory,
    WorkerRefused,
    WorkerTimeout,
)
from grading.watch import Watch
from labkit.course import Lab, load_course
from labkit.errors import LabError
from labkit.student import StudentError

ROOT = Path(__file__).resolve().parents[1]
WARM_UP_SECONDS = 180  # five on a quiet machine; a cold disk or a busy one takes longer
SETTLE_SECONDS = 120  # to end what a test left; milliseconds, but removing folders can wait for a slow disk


class WorkerBroken(SandboxError):
    """The worker can't be started at all: a staff matter, no failure of the submission."""


class Worker:
    """A warmed, sandboxed process for one submission; forks once for every test. A context manager.

    tree: the clean folder that holds `starter/<package>/`, as `intake` makes it.
    lab: the lab's key. Only functions of its TODOs and those under `callable` may be called.
    backend: "auto", or a name of `sandbox.BACKENDS`. own_code: lets "auto" end at `limits`.
    private: paths that the submission must not be able to read (hidden tests, results, other submissions).
    Raises SandboxError: no usable backend, or `private` is open to it.
    """

    def __init__(
        self,
        tree: Path,
        *,
        lab: str,
        backend: str = "auto",
        own_code: bool = False,
        limits: Limits | None = None,
        private: Iterable[Path] = (ROOT / "grading", ROOT / "solutions"),
    ):
        self.info: Lab = load_course(ROOT).lab(lab)
        self.tree, self.limits, self.private = Path(tree), limits or Limits(), tuple(private)
        self.backend = choose(backend, own_code=own_code)
        self.losses: list[str] = []  # why each parent before this one was given up, in the order of time
        self.slow_imports: Counter[str] = Counter()  # module → tests in which its import took all the time
        self._box: Box | None = None
        self._control: socket.socket | None = None
        self._ready = False
        self._ending: Session | None = None
        self._start()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker and everything in its sandbox, and removes its files."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._box is not None:
            self._log.close()
            self._box.close()
            self._box = None
        self._ready, self._ending = False, None

    def use(self, tree: Path) -> None:
        """From the next test on, another submission: the warmed parent holds nothing of the one before."""
        self.settle()
        self.tree = Path(tree)
        self.slow_imports.clear()
        if self._box is not None:
            self._box.replace("student", self.tree)

    def _start(self) -> None:
        """Launches the parent and returns at once; `_wait_until_ready` waits for it."""
        staff = {f"staff/{name}": ROOT / name for name in ("labkit", "course.yaml", "data/models")}
        staff |= {
            f"staff/grading/{name}.py": ROOT / "grading" / f"{name}.py"
            for name in ("__init__", "clearing", "codec", "confine", "forbidden", "worker")
        }
        existing = {place: path for place, path in staff.items() if path.exists()}
        self._box = box = Box(
            self.backend,
            read_only=existing,
            changeable={"student": self.tree},
            writable=("link",) if self.backend == "container" else (),
            limits=self.limits,
            private=self.private,
        )
        own_folders = [box.tmp, "/dev/shm"] if box.own_namespaces else [box.tmp]
        self._control, address, theirs = _control_for(box)
        settings = {
            "site_packages": list(map(str, site_packages())),
            "staff": box.path("staff"),
            "tree": box.path("student"),
            "package": self.info.package,
            "allowed": sorted(self.info.allowed_calls),
            "forbidden": {f"{todo.module}.{todo.function}": list(todo.forbidden) for todo in self.info.todos},
            "confinement": box.confinement.to_json(),
            "own_namespace": box.own_namespaces,
            "own_folders": own_folders,
        }
        worker = [box.python, "-I", "-S", box.path("staff/grading/worker.py"), json.dumps(settings)]
        self._log = (box.root / "log").open("w+b")
        self._process = box.popen(
            [*worker, address],
            confined=False,
            environment={"LABS_ROOT": box.path("staff")},
            pass_fds=[theirs.fileno()] if theirs else [],
            stdout=self._log,
            stderr=self._log,
        )
        if theirs:
            theirs.close()
        self._ready = False

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        self._accept()
        event = self._next_event(WARM_UP_SECONDS)
        if event is None or event.get("event") != "ready":
            raise WorkerBroken(f"the worker ({self.backend}) did not start{self._said()}")
        self._ready = True

    def _accept(self) -> None:
        """In a container the parent calls us: descriptors can't be handed down to it."""
        if self.backend != "container":
            return
        self._control.settimeout(WARM_UP_SECONDS)
        listening = self._control
        try:
            self._control, _ = listening.accept()
        except TimeoutError:
            raise WorkerBroken("the container did not call back") from None
        finally:
            listening.close()

    def _next_event(self, seconds: float) -> dict | None:
        """The parent's next message; None when it is gone, or silent for so long."""
        self._control.settimeout(max(seconds, 0.001))
        try:
            message = self._control.recv(4096)
        except (TimeoutError, ConnectionError):
            return None
        return json.loads(message) if message else None

    @contextlib.contextmanager
    def lab(self, test_id: str, seed: int) -> Iterator["RemoteLab"]:
        """The student's functions for one test, in a fresh fork that ends with the block.

        seed: of `lab.rng`, made from the secret, the submission and the test. Raises WorkerBroken.
        """
        session = self._open_session()
        try:
            yield RemoteLab(session, self.info, test_id, seed)
        finally:
            session.close()

    def _open_session(self) -> "Session":
        self.settle()
        for _ in range(2):
            if self._control is None:
                self._start()
            self._wait_until_ready()
            ours, theirs = socket.socketpair()
            try:
                socket.send_fds(self._control, [b'{"order": "test"}'], [theirs.fileno()])
                return Session(self, ours)
            except OSError as error:  # the parent is gone: killed from inside, or by the machine
                ours.close()
                self._drop(f"took no test: {error}")
            finally:
                theirs.close()
        raise WorkerBroken(f"the worker ({self.backend}) ended as soon as it was started")

    def end(self, session: Session) -> None:
        """Asks the parent to end a test; the trusted side goes on meanwhile."""
        try:
            self._control.send(b'{"order": "end"}')
            self._ending = session
        except (OSError, AttributeError) as error:  # the parent is gone, or was given up
            self._drop(f"could not be told to end a test: {error}")

    def settle(self) -> None:
        """Waits until nothing of the last test is left, no process and no file."""
        session, self._ending = self._ending, None
        while session is not None:
            started = time.monotonic()
            event = self._next_event(SETTLE_SECONDS)
            if event is None:
                left = list(map(str, self.processes()))
                self._drop(f"did not end a test within {time.monotonic() - started:.1f} s; left: {left}")
                return
            if event["event"] == "ended":
                session.cpu_seconds = event["cpu"]
                return

    def _drop(self, why: str) -> None:
        """Gives the present parent up; the next test starts a new one."""
        if self._box is not None:
            self.losses.append(f"the parent (exit status {self._process.poll()}) {why}{self._said()}")
        self.close()

    def _said(self) -> str:
        """The end of what the parent wrote; nothing of a student's, whose output goes nowhere."""
        self._log.seek(0)
        said = self._log.read()[-600:].decode(errors="replace").strip()
        return f". It said: {said}" if said else ""

    def watch(self) -> Watch:
        """Looks after the memory of the present test."""
        return Watch(self._box, self._process)

    def processes(self) -> list[Process]:
        """Every process of the present test, seen from outside; see `Box.below`."""
        return self._box.below(self._process) if self._box is not None else []


def _control_for(box: Box) -> tuple[socket.socket, str, socket.socket | None]:
    """Our end of the control connection, how the parent finds its end, and that end if we hold it."""
    if box.backend != "container":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return ours, str(theirs.fileno()), theirs
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(str(box.host_path("link") / "control"))
    listening.listen(1)
    return listening, box.path("link/control"), None


class RemoteModule:
    """One module of the lab: `lab.method`. Attributes are the functions that the course table allows."""

    def __init__(self, session: Session, lab: Lab, name: str):
        self._session, self._lab, self._name = session, lab, name

    def __getattr__(self, function: str) -> Any:
        full = f"{self._name}.{function}"
        if full not in self._lab.allowed_calls:
            raise LabError(f"a TODO of {self._lab.key} or a name under `callable`", full, "course.yaml")

        def call(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            asked = {"module": self._name, "function": function}
            self._session.load(asked)
            return self._session.ask({"do": "call", **asked, "args": list(args), "kwargs": kwargs})

        call.__name__ = function
        return call


class RemoteLab:
    """The `lab` of a hidden test: `lab.method.f(…)`, `lab.make(name, …)`, `lab.rng`, `lab.seed`."""

    def __init__(self, session: Session, lab: Lab, test_id: str, seed: int):
        self.info, self.test_id, self.seed = lab, test_id, seed
        self.rng = np.random.default_rng(seed)
        self._session = session

    def make(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The result of the staff's fixture `name`, built beside the student's code: plain, or a Handle."""
        __tracebackhide__ = True
        return self._session.ask({"do": "make", "name": name, "args": list(args), "kwargs": kwargs})

    def __getattr__(self, name: str) -> RemoteModule:
        if name.startswith("_") or name not in self.info.modules:
            raise AttributeError(
                f"{self.info.key} has no module {name!r}; it has {', '.join(self.info.modules)}"
            )
        return RemoteModule(self._session, self.info, name)


__all__ = [
    "REFUSALS",
    "Handle",
    "RemoteLab",
    "StudentError",
    "Worker",
    "WorkerBroken",
    "WorkerCrashed",
    "WorkerFailure",
    "WorkerOutOfMemory",
    "WorkerRefused",
    "WorkerTimeout",
]
