"""One test's connection to the student's side: requests go out, claims come back, clock and memory watched.

    session.ask({"do": "make", "name": "tiny_tokenizer", "args": [], "kwargs": {}})    # Handle(…)

Everything that comes back is a claim of the submission. An exception of the student's code is raised as
`StudentError` (and as the builtin type that it is); what happens to the process itself as a
`WorkerFailure`, whose text is for the student: `WorkerTimeout`, `WorkerOutOfMemory`, `WorkerCrashed`,
`WorkerRefused` (a value that may not cross). Not covered: starting the process (`client.py`), and what it
may do (`sandbox.py`, `confine.py`).
"""

import re
import secrets
import select
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

from grading import codec
from grading.codec import CodecError
from labkit.student import student_error

if TYPE_CHECKING:
    from grading.client import Worker


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


REFUSALS = {
    "type": "your function returned something that holds other values than numbers, strings, bools, None, "
    "lists, dicts, tensors and arrays",
    "size": "your function returned something far too large",
    "text": "your function returned a string that is no valid text",
    "nan": "your function returned a number that is not finite",
}
SLOW_IMPORTS = 2  # one may be the machine's fault
GARBLED = "your code's process sent something that is no answer; it may only return values"


class Session:
    """One test's connection: requests go out, claims come back, and the clock and the memory are watched."""

    def __init__(self, worker: "Worker", connection: socket.socket):
        self.worker, self.connection = worker, connection
        self.left = worker.limits.wall_seconds  # seconds that the test may still wait for answers
        self.ended: WorkerFailure | None = None
        self.cpu_seconds = 0.0
        self._loaded: set[str] = set()
        self._watch = worker.watch()

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

    def load(self, asked: dict) -> None:
        """Imports the module of `asked`, once a test. Raises as `ask`.

        A module that used up the time of two tests before anything of it ran costs no further test its time:
        the worst is then minutes for each module and not for each test.
        """
        module, slow = asked["module"], self.worker.slow_imports
        if module in self._loaded:
            return
        if slow[module] >= SLOW_IMPORTS and self.ended is None:
            self.ended = self._out_of_time()
        try:
            self.ask({"do": "import", **asked})
        except WorkerTimeout:
            slow[module] += 1
            raise
        self._loaded.add(module)

    def _claim(self, reply: bytes, nonce: str) -> Any:
        answer = codec.loads(reply, codec.ANSWER)
        if type(answer) is not dict or answer.get("nonce") != nonce or len(answer) != 2:
            raise CodecError("no answer to this request")
        if "value" in answer:
            return answer["value"]
        if "refused" in answer:
            raise WorkerRefused(REFUSALS.get(str(answer["refused"]), REFUSALS["type"]))
        raise self._student_error(answer.get("error"))

    def _student_error(self, told: object) -> Exception:
        """The student's exception from what was told of it: names and numbers, no text."""
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
            return prefix + self._read(sum(codec.frame_size(prefix, codec.ANSWER)), deadline)
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
            elif ready:  # the parent speaks only when the child has ended, though someone may hold its socket
                raise ConnectionResetError
            elif time.monotonic() >= deadline:
                raise TimeoutError
        return bytes(buffer)

    def _why_it_ended(self) -> WorkerFailure:
        """Asks the parent how the child ended, and says it in words."""
        event = self.worker._next_event(1.0)
        if self._watch.too_much_memory.is_set():
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

    def close(self) -> None:
        """Ends the test: its processes are killed and its files cleared, see `Worker.settle`."""
        self._watch.close()
        self.connection.close()
        self.worker.end(self)
