"""Runs the cells of one submission's notebook inside the sandbox: nbclient and kernel, over ipc, no network.

    python -I -S notebook_runner.py JOB.json CLAIMS.json        the client
    python -I -S notebook_runner.py --kernel JOB.json -f FILE   the kernel that it starts

JOB.json:    {"path": [...], "codec": FILE, "cwd": DIR, "seconds": 10, "setup_seconds": 40, "wall_factor": 5,
              "cells": [{"kind": "setup" | "answer" | "test", "id": "4.V1", "variable": "tie_share",
              "source": …}]}
CLAIMS.json: {"setup": CLAIM, "answers": {"4.V1": CLAIM}, "tests": {"4.V1": CLAIM}}, rewritten after every
    cell, where CLAIM is {"state": "ok" | "error" | "timeout" | "crashed", "error": [type, file, line],
    "frame": base64 of the value}

Everything in CLAIMS.json is a submission's claim: kernel and client run as the same unprivileged user. A
cell that takes too long, ends the kernel or breaks its protocol costs itself only: a new kernel runs again
what was before it. Too long is more CPU time than `seconds`, or `wall_factor` times as much wall time.
Source: nbclient.NotebookClient and its hooks. Left out: anything that decides (`notebook.py`).
"""

import contextlib
import json
import os
import signal
import sys
import threading

CLAIM_TYPE = "application/x-labs-claim"
MAX_FRAME = 200_000  # characters: a value is a number or a short list
MAX_RESTARTS = 8

# Runs in the kernel after each answer. Names are few and odd, so that they meet none of the student's.
CAPTURE = """
def _labs_capture(variable, cell):
    import base64, sys
    import labs_codec
    from IPython.display import publish_display_data
    claim = {{"state": "ok"}}
    if {failed}:
        claim = {{"state": "error", "error": labs_codec_error(cell)}}
    elif variable not in globals():
        claim = {{"state": "error", "error": ["NameError", cell, 0]}}
    else:
        try:
            claim["frame"] = base64.b64encode(labs_codec.dumps(globals()[variable])).decode()
        except labs_codec.CodecError as error:
            claim = {{"state": "error", "error": [type(globals()[variable]).__name__, "value", 0]}}
    publish_display_data({{"{mime}": claim}})
_labs_capture({variable!r}, {cell!r})
"""


def kernel(job_file: str, arguments: list[str]) -> None:
    """The kernel process: the course's paths in order, the submission last, then ipykernel."""
    import importlib.util

    with open(job_file, encoding="utf-8") as file:
        job = json.load(file)
    sys.path.extend(job["path"])
    spec = importlib.util.spec_from_file_location("labs_codec", job["codec"])
    sys.modules["labs_codec"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    import builtins

    builtins.labs_codec_error = last_error
    os.chdir(job["cwd"])
    sys.argv = ["ipykernel", *arguments, "--HistoryManager.enabled=False", "--quiet"]
    from ipykernel import iostream, kernelapp

    # The pipe for the output of subprocesses is TCP even when all else is ipc. The box allows no such socket,
    # and libzmq aborts the process when it may not ask for interfaces.
    iostream.IOPubThread._setup_pipe_in = lambda thread: setattr(thread, "_pipe_flag", False)
    kernelapp.launch_new_instance()


def last_error(cell: str) -> list:
    """[type, file, line] of the last exception, its line the innermost one in the cell or in starter/."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if error is None:
        return ["Exception", cell, 0]
    file, line = cell, getattr(error, "lineno", 0) or 0
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "/starter/" in name:
            file, line = os.path.basename(name), trace.tb_lineno
        elif "ipykernel_" in name or "<ipython-input" in name:
            file, line = cell, trace.tb_lineno
        trace = trace.tb_next
    return [type(error).__name__, file, int(line)]


def client(job_file: str, claims_file: str) -> None:
    """Runs the cells in order; after each one the claims are on disk."""
    with open(job_file, encoding="utf-8") as file:
        job = json.load(file)
    sys.path.extend(job["path"])
    claims = {"setup": {"state": "crashed"}, "answers": {}, "tests": {}}
    write(claims_file, claims)
    session = Session(job, job_file)
    try:
        for cell in job["cells"]:
            claim = session.run(cell)
            if cell["kind"] == "setup":
                claims["setup"] = claim
                if claim["state"] != "ok":
                    break
            else:
                claims["answers" if cell["kind"] == "answer" else "tests"][cell["id"]] = claim
            write(claims_file, claims)
    finally:
        write(claims_file, claims)
        session.close()


def write(path: str, claims: dict) -> None:
    """The whole file at once: the grader may end this process at any moment."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(claims, file)
    os.replace(path + ".new", path)


class Session:
    """One kernel at a time; `run` takes a cell of the job and returns its claim."""

    def __init__(self, job: dict, job_file: str):
        self.job, self.job_file = job, job_file
        self.client = None
        self.done: list[dict] = []  # what a new kernel must run again
        self.restarts = 0

    def run(self, cell: dict) -> dict:
        from nbclient.exceptions import CellTimeoutError, DeadKernelError

        try:
            if self.client is None:
                self.start()
                for old in self.done:
                    self.execute(old)
            failed = self.execute(cell)
            claim = self.captured(cell, failed)
        except CellTimeoutError:
            claim = {"state": "timeout"}
        except DeadKernelError:
            claim = {"state": "crashed"}
        except Exception as error:  # the kernel did not start, or the cell broke the protocol with it
            print(f"kernel: {type(error).__name__}: {error!a}", file=sys.stderr)
            claim = {"state": "crashed"}
        if claim["state"] in ("timeout", "crashed"):
            self.close()
        elif cell["kind"] != "test":
            self.done.append(cell)
        return claim

    def start(self) -> None:
        if self.restarts > MAX_RESTARTS:
            raise RuntimeError("too many kernels died")
        self.restarts += 1
        self.client = new_client(self.job, self.job_file)
        self.client.start_new_kernel(cwd=self.job["cwd"])
        self.client.start_new_kernel_client()

    def execute(self, cell: dict) -> bool:
        """Runs the cell's source; True when it raised. Raises CellTimeoutError, DeadKernelError."""
        from nbclient.exceptions import CellTimeoutError, DeadKernelError

        seconds = self.job["setup_seconds" if cell["kind"] == "setup" else "seconds"]
        self.client.labs_seconds = seconds * self.job["wall_factor"]
        with cpu_limit(self.client.km.provisioner.pid, seconds) as killed:
            try:
                return self.client.labs_execute(cell["source"])
            except DeadKernelError:
                if killed.is_set():
                    raise CellTimeoutError(f"more than {seconds} seconds of CPU time") from None
                raise

    def captured(self, cell: dict, failed: bool) -> dict:
        names = {"variable": cell.get("variable", ""), "cell": f"cell {cell['id']}"}
        if cell["kind"] != "answer" and not failed:
            return {"state": "ok"}
        source = CAPTURE.format(mime=CLAIM_TYPE, failed=failed, **names)
        self.client.labs_claim = None
        self.client.labs_execute(source)
        claim = self.client.labs_claim
        if not isinstance(claim, dict):
            return {"state": "error", "error": ["NoValue", "value", 0]}
        return bounded(claim)

    def close(self) -> None:
        if self.client is None:
            return
        old, self.client = self.client, None
        if old.km is None:  # it never started, and nbclient has cleaned up
            return
        try:
            old._cleanup_kernel()
        except Exception as error:  # it is dead already; the sandbox ends what is left
            print(f"kernel shutdown: {error!a}", file=sys.stderr)


def bounded(claim: dict) -> dict:
    """A claim as the kernel published it, of the documented form and size, so that it spoils no other."""
    state, error, frame = (claim.get(name) for name in ("state", "error", "frame"))
    if type(frame) is str and len(frame) > MAX_FRAME:
        return {"state": "error", "error": ["ValueTooLarge", "value", 0]}
    kept = {"state": state if state in ("ok", "error") else "crashed"}
    if type(error) is list and [type(part) for part in error] == [str, str, int]:
        kept["error"] = [error[0][:60], error[1][:60], min(max(error[2], 0), 10**6)]
    return {**kept, "frame": frame} if type(frame) is str else kept


@contextlib.contextmanager
def cpu_limit(process: int, seconds: float):
    """Kills the process once it has used so much CPU time within the block; the event yielded says so."""
    ended, killed, before = threading.Event(), threading.Event(), cpu_seconds(process)

    def watch() -> None:
        while not ended.wait(0.2):
            if cpu_seconds(process) - before > seconds:
                killed.set()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def cpu_seconds(process: int) -> float:
    """CPU time of a process so far; 0 where there is no /proc, and wall time alone decides."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def new_client(job: dict, job_file: str):
    """A NotebookClient that keeps no outputs but our claims, and whose kernel needs no configuration."""
    import tempfile

    import nbformat
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec
    from nbclient import NotebookClient

    command = [sys.executable, "-I", "-S", os.path.abspath(__file__), "--kernel", job_file, "-f"]

    class Client(NotebookClient):
        labs_claim = None
        labs_seconds = 0

        def process_message(self, msg, cell, cell_index):
            kind = msg["msg_type"]
            if kind == "status":
                return super().process_message(msg, cell, cell_index)
            if kind == "display_data":
                data = msg["content"].get("data")
                self.labs_claim = data.get(CLAIM_TYPE, self.labs_claim) if type(data) is dict else None
            return None  # a million lines of output cost nothing here

        def labs_execute(self, source):
            self.nb.cells = [nbformat.v4.new_code_cell(source)]
            self.labs_failed = False
            self.execute_cell(self.nb.cells[0], 0, store_history=False)
            return self.labs_failed

    def remember(cell, cell_index, execute_reply):
        made.labs_failed = True

    folder = tempfile.mkdtemp(prefix="k")
    # zmq over unix sockets beside the connection file: the box has no network, and needs none
    manager = AsyncKernelManager(transport="ipc", connection_file=os.path.join(folder, "c.json"))
    manager._kernel_spec = KernelSpec(
        argv=[*command, "{connection_file}"], language="python", display_name=""
    )
    made = Client(
        nbformat.v4.new_notebook(),
        km=manager,
        allow_errors=True,
        on_cell_error=remember,
        timeout_func=lambda cell: made.labs_seconds,
        startup_timeout=job["setup_seconds"] * job["wall_factor"],
        shutdown_kernel="immediate",
    )
    return made


if __name__ == "__main__":
    if sys.argv[1] == "--kernel":
        kernel(sys.argv[2], sys.argv[3:])
    else:
        client(sys.argv[1], sys.argv[2])
