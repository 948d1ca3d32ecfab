"""The trusted side of the worker: calls that look like function calls, and the ways in which they can fail.

    with Worker(clean_tree, lab="lab4") as worker:                     # warms up in the background
        with worker.lab("test_ties", seed=7) as lab:                   # one test = one fork
            lab.method.majority_vote(["7", "5", "5", "7"])             # -> "7", freshly built from bytes
            tokenizer = lab.make("tiny_tokenizer")                     # -> Handle(id="9f…", kind="PreTrainedTok…")
            lab.data.build_gsm_prompt("How many?", tokenizer)

`lab` has the API of `labkit.testing.LocalLab`, so a test can't tell which one it has. What comes back are claims of
the submission, as plain values and handles. An exception of the student's code arrives as `StudentError` (and as the
builtin type that it is). Failures of the process itself are `WorkerFailure`s, whose text is for the student:
`WorkerTimeout`, `WorkerOutOfMemory`, `WorkerCrashed`, `WorkerRefused` (a value that may not cross). Each costs the
test in which it happens and no other: the next `worker.lab` starts clean, with a new parent if the old one is gone.
"""

import contextlib
import json
import re
import secrets
import select
import signal
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from grading import codec
from grading.codec import CodecError, Handle
from grading.confine import Limits
from grading.sandbox import Box, SandboxError, choose, proportional_bytes, resident_bytes, site_packages
from labkit.course import Lab, load_course
from labkit.errors import LabError
from labkit.student import StudentError, student_error

ROOT = Path(__file__).resolve().parents[1]
WARM_UP_SECONDS = 180  # five on a quiet machine; a cold disk or a busy one takes longer
RESTARTS = 8  # a parent that keeps dying is our problem, not the submission's


class WorkerFailure(Exception):
    """The process that ran the student's code failed. `state` is the word for it in results.json."""

    state = "crashed"


class WorkerTimeout(WorkerFailure):
    """Out of CPU time, or out of wall time."""

    state = "timeout"


class WorkerOutOfMemory(WorkerFailure):
    """Out of memory, alone or with the processes that it started."""

    state = "memory"


class WorkerCrashed(WorkerFailure):
    """The process ended, or wrote something that is no answer."""


class WorkerRefused(WorkerFailure):
    """The returned value may not cross: too large, or of a kind that no test asks for."""

    state = "failed"


class WorkerBroken(SandboxError):
    """The worker can't be started at all: a staff matter, no failure of the submission."""


REFUSALS = {
    "type": "your function returned something that holds values other than numbers, strings, bools, None, lists, "
    "dicts, tensors and arrays",
    "size": "your function returned something far too large",
    "text": "your function returned a string that is no valid text",
    "nan": "your function returned a number that is not finite",
}
GARBLED = "your code's process sent something that is no answer; it may only return values"


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
        self.restarts = 0
        self._box: Box | None = None
        self._control: socket.socket | None = None
        self._ready = False
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
            self._box.close()
            self._box = None
        self._ready = False

    def use(self, tree: Path) -> None:
        """From the next test on, another submission: the warmed parent holds nothing of the one before."""
        self.tree = Path(tree)
        if self._box is not None:
            self._box.replace("student", self.tree)

    def _start(self) -> None:
        """Launches the parent and returns at once; `_wait_until_ready` waits for it."""
        staff = {f"staff/{name}": ROOT / name for name in ("labkit", "course.yaml", "data/models")}
        staff |= {
            f"staff/grading/{name}.py": ROOT / "grading" / f"{name}.py"
            for name in ("__init__", "codec", "confine", "worker")
        }
        existing = {place: path for place, path in staff.items() if path.exists()}
        self._box = box = Box(
            self.backend,
            read_only=existing,
            changeable={"student": self.tree},
            limits=self.limits,
            private=self.private,
        )
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        own_folders = ["/tmp", "/dev/shm"] if box.own_namespaces else [box.path("tmp")]
        settings = {
            "site_packages": list(map(str, site_packages())),
            "staff": box.path("staff"),
            "tree": box.path("student"),
            "package": self.info.package,
            "allowed": sorted(self.info.allowed_calls),
            "confinement": box.confinement.to_json(),
            "own_namespace": box.own_namespaces,
            "own_folders": own_folders,
        }
        worker = [box.python, "-I", "-S", box.path("staff/grading/worker.py"), json.dumps(settings)]
        self._log = (box.root / "log").open("w+b")
        self._process = box.popen(
            [*worker, str(theirs.fileno())],
            confined=False,
            environment={"LABS_ROOT": box.path("staff")},
            pass_fds=[theirs.fileno()],
            stdout=self._log,
            stderr=self._log,
        )
        theirs.close()
        self._ready = False

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        event = self._next_event(WARM_UP_SECONDS)
        if event is None or event.get("event") != "ready":
            self._log.seek(0)
            said = self._log.read()[-600:].decode(errors="replace").strip()
            raise WorkerBroken(f"the worker ({self.backend}) did not start. It said: {said or 'nothing'}")
        self._ready = True

    def _next_event(self, seconds: float) -> dict | None:
        """The parent's next message; None when it is gone, or silent for so long."""
        self._control.settimeout(max(seconds, 0.001))
        try:
            message = self._control.recv(4096)
        except (TimeoutError, ConnectionError):
            return None
        return json.loads(message) if message else None

    def _restart(self) -> None:
        self.restarts += 1
        if self.restarts > RESTARTS:
            raise WorkerBroken(f"the worker ({self.backend}) ended {RESTARTS} times and was given up")
        self.close()
        self._start()

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
        for _ in range(2):
            if self._control is None:
                self._restart()
            self._wait_until_ready()
            ours, theirs = socket.socketpair()
            try:
                socket.send_fds(self._control, [b'{"order": "test"}'], [theirs.fileno()])
                return Session(self, ours)
            except OSError:  # the parent is gone: killed from inside, or by the machine
                ours.close()
                self.drop()
            finally:
                theirs.close()
        raise WorkerBroken(f"the worker ({self.backend}) ended as soon as it was started")

    def drop(self) -> None:
        """Gives the present parent up; the next test starts a new one."""
        self.close()

    def processes(self) -> list[psutil.Process]:
        """Every process of the present test, seen from outside: all below the warmed parent."""
        try:
            found = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return found[1:] if self.backend == "bubblewrap" else found  # there the parent itself is the first


class Session:
    """One test's connection: requests go out, claims come back, and the clock and the memory are watched."""

    def __init__(self, worker: Worker, connection: socket.socket):
        self.worker, self.connection = worker, connection
        self.left = worker.limits.wall_seconds  # seconds that the test may still wait for answers
        self.ended: WorkerFailure | None = None
        self.cpu_seconds = 0.0
        self._too_much_memory = threading.Event()
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._watch_memory, daemon=True)
        self._watch.start()

    def ask(self, request: dict) -> Any:
        """The value that the student's side claims. Raises StudentError, WorkerFailure."""
        if self.ended is not None:
            raise type(self.ended)(str(self.ended))
        nonce = secrets.token_hex(16)
        started = time.monotonic()
        try:
            reply = self._exchange(codec.dumps({"nonce": nonce, **request}), started + self.left)
        except WorkerFailure as failure:
            self.ended = failure
            raise
        finally:
            self.left -= time.monotonic() - started
        try:
            return self._claim(reply, nonce)
        except CodecError:
            self.ended = WorkerCrashed(GARBLED)
            raise self.ended from None

    def _claim(self, reply: bytes, nonce: str) -> Any:
        answer = codec.loads(reply)
        if type(answer) is not dict or answer.get("nonce") != nonce or len(answer) != 2:
            raise CodecError("no answer to this request")
        if "value" in answer:
            return answer["value"]
        if "refused" in answer:
            raise WorkerRefused(REFUSALS.get(str(answer["refused"]), REFUSALS["type"]))
        raise self._student_error(answer.get("error"))

    def _student_error(self, told: object) -> Exception:
        """The student's exception from what was told of it: names and numbers, nothing that could carry a text."""
        if type(told) is not dict or [
            type(told.get(k)) for k in ("type", "builtin", "file", "line", "todo")
        ] != [*(str, str, str, int, str)]:
            raise CodecError("a malformed error")
        if told["builtin"] == "MemoryError":
            return WorkerOutOfMemory(self._memory_words())
        info, file = self.worker.info, told["file"]
        if not re.fullmatch(r"\w[\w/]{0,80}\.py", file, re.ASCII):
            file = ""
        name = told["type"] if re.fullmatch(r"[A-Za-z_]\w{0,60}", told["type"], re.ASCII) else "Exception"
        todo = next((todo for todo in info.todos if todo.id == told["todo"]), None)
        line = told["line"] if 0 < told["line"] < 1_000_000 else 0
        message = f"TODO {todo.id} {todo.function} is not done yet" if todo else ""
        error = student_error(
            told["builtin"] if told["builtin"].isidentifier() else name, file, line, message
        )
        error.student_type = name
        return error

    def _exchange(self, frame: bytes, deadline: float) -> bytes:
        connection = self.connection
        try:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            connection.sendall(frame)
            prefix = self._read(codec.PREFIX.size, deadline)
            return prefix + self._read(sum(codec.frame_size(prefix)), deadline)
        except CodecError:
            raise WorkerCrashed(GARBLED) from None
        except TimeoutError:
            raise self._out_of_time() from None
        except ConnectionError:
            raise self._why_it_ended() from None

    def _read(self, size: int, deadline: float) -> bytes:
        """Exactly so many bytes. Raises ConnectionError: the process is gone; TimeoutError."""
        buffer = bytearray()
        control = self.worker._control
        while len(buffer) < size:
            ready, _, _ = select.select(
                [self.connection, control], [], [], max(deadline - time.monotonic(), 0)
            )
            if self.connection in ready:
                part = self.connection.recv(min(size - len(buffer), 2**20))
                if not part:
                    raise ConnectionResetError
                buffer += part
            elif (
                ready
            ):  # the parent speaks only when the child has ended, although someone may hold its socket
                raise ConnectionResetError
            elif time.monotonic() >= deadline:
                raise TimeoutError
        return bytes(buffer)

    def _why_it_ended(self) -> WorkerFailure:
        """Asks the parent how the child ended, and says it in words."""
        event = self.worker._next_event(1.0)
        if self._too_much_memory.is_set():
            return WorkerOutOfMemory(self._memory_words())
        if event is None:  # the parent is gone, or the child closed its socket and lives on
            return WorkerCrashed("your code ended the process that runs it, or closed its connection")
        self.cpu_seconds = event.get("cpu", 0.0)
        ended_by, limits = event.get("signal", 0), self.worker.limits
        if ended_by == signal.SIGXCPU or (
            ended_by == signal.SIGKILL and self.cpu_seconds >= limits.cpu_seconds
        ):
            return self._out_of_time()
        if ended_by == signal.SIGXFSZ:
            return WorkerCrashed(f"your code wrote a file larger than {limits.file_mib} MiB")
        if ended_by in (signal.SIGSEGV, signal.SIGBUS):
            return WorkerCrashed("your code made Python itself crash (too deep a recursion can do that)")
        if ended_by == signal.SIGKILL:
            return WorkerCrashed("the process that ran your code was killed")
        if ended_by:
            return WorkerCrashed(f"your code ended its process with {signal.Signals(ended_by).name}")
        return WorkerCrashed("your code ended the process that runs it before it gave an answer")

    def _out_of_time(self) -> WorkerTimeout:
        limits = self.worker.limits
        return WorkerTimeout(
            f"your code did not finish within {limits.cpu_seconds} seconds of computing "
            f"({limits.wall_seconds:.0f} seconds in all)"
        )

    def _memory_words(self) -> str:
        return (
            f"your code used more memory than the {self.worker.limits.memory_mib:,} MiB that a test may use"
        )

    def _watch_memory(self) -> None:
        """Ends the test's processes when together they hold too much. RLIMIT_DATA only counts each one alone."""
        ceiling = self.worker.limits.memory_mib * 2**20
        while not self._closed.wait(0.1):
            processes = self.worker.processes()
            if resident_bytes(processes) > ceiling and proportional_bytes(processes) > ceiling:
                self._too_much_memory.set()
                for process in processes:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()

    def close(self) -> None:
        """Ends the test: every process of it is killed, everything it wrote is cleared."""
        self._closed.set()
        self._watch.join()
        self.connection.close()
        worker = self.worker
        try:
            worker._control.send(b'{"order": "end"}')
        except OSError:
            worker.drop()
            return
        while (event := worker._next_event(30)) is not None:
            if event["event"] == "ended":
                self.cpu_seconds = event.get("cpu", 0.0)
                return
        worker.drop()


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
            request = {"do": "call", "module": self._name, "function": function}
            return self._session.ask({**request, "args": list(args), "kwargs": kwargs})

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
