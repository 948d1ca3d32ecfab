"""Inside the sandbox: a warmed parent that forks one child for each test, and that child.

    python -I -S worker.py '{"staff": "/box/staff", "tree": "/box/student", …}' FD

The parent imports torch, transformers and the staff's labkit once, holds no student code and takes orders on
the control socket FD: `{"order": "test"}` with the socket of one test attached, and `{"order": "end"}`. For
each test it forks; after each it ends every process that the test left and clears what it wrote. The child
gives up its privileges (`confine.py`), puts the submission last on `sys.path` and answers requests until its
socket closes. A request, and its answer:

    {"nonce": "5d…", "do": "call", "module": "method", "function": "majority_vote", "args": …, "kwargs": {}}
    {"nonce": "5d…", "value": "7"}

Whatever the child says is a claim of the submission; the grader's side (`client.py`) believes none of it. Not
covered: verdicts. Nothing in this process knows a right answer.
"""

import contextlib
import gc
import importlib
import json
import os
import re
import resource
import secrets
import select
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

# Of `grading` the sandbox holds this file and what is imported here; other paths come by argument.
SETTINGS = json.loads(sys.argv[1]) if __name__ == "__main__" else {}
if __name__ == "__main__":
    sys.path += [*SETTINGS["site_packages"], SETTINGS["staff"]]

from grading import clearing, codec, confine, forbidden  # noqa: E402  (the path is set just above)
from labkit.plain import as_plain  # noqa: E402

STUB = re.compile(r"TODO \d+\.\d+ \w+: see notebooks/\w+\.ipynb, section \d+")


# --- the parent ---


def warm_up() -> None:
    """Everything that a test could import, before the first fork; no thread pool is started."""
    import numpy  # noqa: F401
    import torch

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    import datasets
    import transformers
    from transformers import (  # noqa: F401  (transformers imports these lazily, seconds each)
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        LlamaForCausalLM,
        LlamaForSequenceClassification,
        PreTrainedTokenizerFast,
        Trainer,
        TrainingArguments,
    )

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    import labkit.fixtures

    labkit.fixtures.warm()
    gc.collect()
    gc.freeze()  # or each child would copy the pages of a million objects when its collector marks them


def serve_tests(control: socket.socket, settings: dict) -> None:
    """The parent's loop. Returns when the grader closes the control socket."""
    confinement = confine.Confinement.from_json(settings["confinement"])
    child, watched, status = 0, None, None
    poll = select.poll()
    poll.register(control, select.POLLIN)
    _tell(
        control, {"event": "ready", "threads": len(os.listdir("/proc/self/task")), "allocated": _data_bytes()}
    )
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == watched:
                status = _status(*os.wait4(child, 0)[1:])
                poll.unregister(watched)
                os.close(watched)
                watched = None
                _tell(control, {"event": "exit", **status})
                continue
            message, descriptors, *_ = socket.recv_fds(control, 4096, 1)
            if not message:  # the grader is gone
                _end_all(settings, confinement, child if watched is not None else 0)
                return
            order = json.loads(message)["order"]
            if order == "test":
                child = os.fork()
                if child == 0:
                    _become_student(control, descriptors[0], settings, confinement)
                os.close(descriptors[0])
                watched, status = os.pidfd_open(child), None
                poll.register(watched, select.POLLIN)
            elif order == "end":
                status = _end_all(settings, confinement, child if watched is not None else 0) or status
                if watched is not None:
                    poll.unregister(watched)
                    os.close(watched)
                    watched = None
                _clear(settings, confinement)
                _tell(control, {"event": "ended", **(status or {"signal": 0, "code": 0, "cpu": 0.0})})


def _tell(control: socket.socket, message: dict) -> None:
    control.send(json.dumps(message).encode())


def _status(status: int, usage: resource.struct_rusage) -> dict:
    """How the child ended, and the CPU seconds it used, from what wait4(2) says."""
    ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return {
        "signal": ended_by,
        "code": 0 if ended_by else os.WEXITSTATUS(status),
        "cpu": round(usage.ru_utime + usage.ru_stime, 3),
    }


def _data_bytes() -> int:
    """Data memory of this process, which every child shares with it and starts with."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmData:"))


def _end_all(settings: dict, confinement: confine.Confinement, child: int) -> dict | None:
    """Ends every process that the test left behind, whatever session it moved to, and collects them all.

    child: the test's own process, 0 if it was collected before. Returns how it ended. Kills again until
    nobody is left: the child may not have dropped to its user yet when the first round looks for that user.
    """
    status, pause = None, 0.001
    while True:
        if settings["own_namespace"]:  # this is process 1 here: -1 is everybody else
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
        else:
            if confinement.uid is not None:
                confine.kill_user_from_root(confinement.uid)
            confine.kill_descendants()
        try:
            while (ended := os.wait4(-1, os.WNOHANG))[0]:
                if ended[0] == child:
                    status = _status(*ended[1:])
        except ChildProcessError:
            return status
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def _clear(settings: dict, confinement: confine.Confinement) -> None:
    """Empties the folders where the test could write."""
    for folder in settings["own_folders"]:
        clearing.empty(folder)
    if not settings["own_namespace"] and confinement.uid is not None:
        clearing.remove_files_of(confinement.uid)


# --- the child ---


def _become_student(
    control: socket.socket, inherited: int, settings: dict, confinement: confine.Confinement
) -> None:
    """In the fork: keep one socket, confine, answer until the socket closes. Never returns."""
    code = 70
    try:
        os.setsid()
        control.detach()
        os.dup2(inherited, 3)
        os.closerange(4, 65_536)
        allocated = _data_bytes()
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        if nothing > 3:
            os.close(nothing)
        confine.confine(confinement, allocated)
        os.chdir(os.environ["TMPDIR"])
        sys.path.append(settings["tree"])
        sys.argv = [""]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        answer_requests(socket.socket(fileno=3), settings)
        code = 0
    finally:
        os._exit(code)


def answer_requests(connection: socket.socket, settings: dict) -> None:
    """Reads requests and answers each, until the other side closes."""
    handles: dict[str, object] = {}

    def resolve(handle: codec.Handle) -> object:
        if handle.id not in handles:
            raise codec.CodecError("an unknown handle")
        return handles[handle.id]

    def replace(value: object) -> object:
        plain = as_plain(value)
        if plain is not value:
            return plain
        name = secrets.token_hex(16)
        handles[name] = value
        return codec.Handle(name, _class_name(value))

    while True:
        frame = _receive(connection)
        if frame is None:
            return
        request = codec.loads(frame, resolve=resolve)
        nonce = request["nonce"]
        try:
            value = {"nonce": nonce, "value": _do(request, settings)}
            reply = codec.dumps(value, codec.ANSWER, replace=replace)
        except codec.CodecError as error:
            reply = codec.dumps({"nonce": nonce, "refused": error.code})
        except BaseException as error:  # SystemExit and pytest's outcomes too: nothing leaves but an answer
            reply = codec.dumps({"nonce": nonce, "error": describe_error(error, settings)})
        connection.sendall(reply)


def _receive(connection: socket.socket) -> bytes | None:
    """One frame, or None at the end of the connection."""
    prefix = _exactly(connection, codec.PREFIX.size)
    if prefix is None:
        return None
    rest = _exactly(connection, sum(codec.frame_size(prefix)))
    return None if rest is None else prefix + rest


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    buffer = bytearray()
    while len(buffer) < size:
        part = connection.recv(min(size - len(buffer), 2**20))
        if not part:
            return None
        buffer += part
    return bytes(buffer)


def _do(request: dict, settings: dict) -> object:
    """The result of one request: a lab function, a fixture of the staff, or the import of a lab's module."""
    if request["do"] == "make":
        from labkit import fixtures

        return fixtures.make(request["name"], *request["args"], **request["kwargs"])
    module, function = request["module"], request["function"]
    if f"{module}.{function}" not in settings["allowed"]:
        raise PermissionError(f"{module}.{function} may not be called")
    with forbidden.blocked(settings["forbidden"].get(f"{module}.{function}", ()), settings["tree"]):
        imported = importlib.import_module(f"starter.{settings['package']}.{module}")
        if request["do"] == "import":
            return None
        return getattr(imported, function)(*request["args"], **request["kwargs"])


def describe_error(error: BaseException, settings: dict) -> dict:
    """Type, nearest builtin type, and the innermost line in the student's own files; never its words."""
    builtin = next(
        (kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"), "BaseException"
    )
    folder = Path(settings["tree"]) / "starter" / settings["package"]
    file, line = "", 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(folder):
            file, line = path.relative_to(folder).as_posix(), number
    if isinstance(error, SyntaxError) and type(error.filename) is str:
        file, line = Path(error.filename).name, error.lineno or 0
    if builtin == "RuntimeError" and "can't allocate memory" in str(error):  # how torch says MemoryError
        builtin = "MemoryError"
    told = {"type": _class_name(error), "builtin": builtin, "file": file, "line": line, "todo": ""}
    if type(error) is NotImplementedError and error.args and type(error.args[0]) is str:
        stub = STUB.fullmatch(error.args[0])
        told["todo"] = error.args[0].split()[1] if stub else ""
    return told


def _class_name(value: object) -> str:
    name = type(value).__name__
    return name[:80] if type(name) is str and name.isascii() and name.isidentifier() else "object"


def _connect(where: str) -> socket.socket:
    """The control socket: inherited, or, in a container, at a path that is gone once we are connected."""
    if where.isdigit():
        return socket.socket(fileno=int(where))
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.connect(where)
    os.unlink(where)
    return control


def main() -> None:
    confine.become_unreadable()
    # Python listens to SIGINT, and the kernel hands process 1 what it listens to, even from its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not SETTINGS["own_namespace"]:
        confine.become_subreaper()
    control = _connect(sys.argv[2])
    if SETTINGS["confinement"] and json.loads(SETTINGS["confinement"])["seccomp"]:
        import pyseccomp  # noqa: F401  (loaded before the fork, once)
    warm_up()
    serve_tests(control, SETTINGS)


if __name__ == "__main__":
    main()
