"""Which sandbox to use here: each backend is tried for real, and says in words why it can't be used.

    choose("auto")                  "bubblewrap"
    probe("container")              Probe("container", "neither docker nor podman is installed …")

Order: bubblewrap, user, container, limits. `limits` isolates neither files nor network; it is for one's own
code and refused for other people's unless asked for by name. What a backend does is in `sandbox.py`.
"""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from grading.system import open_to_others, python_for_others, site_packages

BACKENDS = ("bubblewrap", "user", "container", "limits")  # in the order in which "auto" tries them
GET_BUBBLEWRAP = "install it with `apt-get install bubblewrap` (or dnf, pacman, zypper)"


class SandboxError(RuntimeError):
    """No backend can be used, or a box can't be built. The message says why and what helps."""


@dataclass(frozen=True)
class Probe:
    """Whether a backend works here, found by trying it: `reason` is empty, or says in words why not."""

    name: str
    reason: str = ""

    @property
    def works(self) -> bool:
        return not self.reason


def choose(name: str = "auto", own_code: bool = False) -> str:
    """The backend to use: `name` itself if it works here, or with "auto" the first that does.

    own_code: the code is the caller's, so that "auto" may end at `limits`. Asked for by name, `limits` is
    granted. Raises SandboxError with every reason.
    """
    if name != "auto":
        if name not in BACKENDS:
            raise SandboxError(f"expected a sandbox among auto, {', '.join(BACKENDS)}; found {name!r}")
        found = probe(name)
        if not found.works:
            raise SandboxError(f"the sandbox `{name}` does not work here: {found.reason}")
        return name
    reasons = []
    for candidate in BACKENDS if own_code else BACKENDS[:-1]:
        found = probe(candidate)
        if found.works:
            return candidate
        reasons.append(f"  {candidate}: {found.reason}")
    raise SandboxError(
        "no sandbox here can hold other people's code:\n" + "\n".join(reasons) + "\n"
        "To run code that you trust without isolation, ask for it by name: --backend limits"
    )


@functools.cache
def probe(name: str) -> Probe:
    """Tries the backend for real: starts `true` (or Python) in a box of that kind."""
    if not hasattr(os, "fork"):
        return Probe(name, "it needs Linux or macOS; on Windows, grade inside WSL2")
    checks = {
        "bubblewrap": _why_no_bubblewrap,
        "user": _why_no_user,
        "container": _why_no_container,
        "limits": lambda: "",
    }
    return Probe(name, checks[name]() or _why_no_start(name))


def _why_no_start(name: str) -> str:
    """What a box of that kind answers to the smallest program."""
    from grading.sandbox import Box

    try:
        with Box(name, checked=True) as box:
            process = box.popen([box.python, "-I", "-S", "-c", "pass"], stderr=subprocess.PIPE)
            _, errors = process.communicate(timeout=30)
    except (OSError, SandboxError, subprocess.TimeoutExpired) as error:
        return str(error)
    last = (errors.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
    return (
        "" if process.returncode == 0 else f"a box starts and ends with status {process.returncode}: {last}"
    )


def _why_no_bubblewrap() -> str:
    return "" if shutil.which("bwrap") else f"`bwrap` is not installed; {GET_BUBBLEWRAP}"


def _why_no_user() -> str:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it needs root on Linux, to drop to another user"
    if python_for_others() is None:
        return (
            f"other users can't run {os.path.realpath(sys.executable)}: a folder above it is closed to them"
        )
    closed = [str(path) for path in site_packages() if not open_to_others(path)]
    if closed:
        return f"other users can't read {closed[0]}: a folder above it is closed to them"
    if importlib.util.find_spec("pyseccomp") is None:
        return "pyseccomp is missing, which keeps the code off the network: pip install pyseccomp"
    return ""


def _why_no_container() -> str:
    tool = container_tool()
    return "" if tool else "neither docker nor podman is installed with its service running"


@functools.cache
def container_tool() -> str | None:
    for tool in ("podman", "docker"):
        if shutil.which(tool):
            try:
                if subprocess.run([tool, "info"], capture_output=True, timeout=20).returncode == 0:
                    return tool
            except (OSError, subprocess.TimeoutExpired):
                continue
    return None
