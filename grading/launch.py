"""The command lines of the two backends that have namespaces of their own: bubblewrap, and docker or podman.

    bubblewrap(plan, as_first=True)     ["bwrap", "--die-with-parent", "--unshare-pid", …, "--chdir", "/tmp"]

Sources: bwrap(1) of bubblewrap 0.8, docker-run(1). Not covered: what a process gives up before it runs a
student's code (`confine.py`).
"""

import functools
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grading.backends import container_tool
from grading.confine import Limits

# what the worker's parent needs to drop, end and clean up after its children
CAPABILITIES = ("SETUID", "SETGID", "KILL", "DAC_OVERRIDE", "FOWNER")


@dataclass(frozen=True)
class Plan:
    """A box as its launcher sees it: where it stands, what is bound into it, as whom it runs."""

    root: Path
    uid: int | None
    limits: Limits
    system: tuple[str, ...]  # paths of this machine, bound where they are
    tmp: str  # the folder for temporary files inside
    sources: Mapping[str, Path]  # place in the box → what is bound there, read-only
    writable: tuple[str, ...]  # places below `root` that the code may fill
    private: tuple[Path, ...]

    def path(self, place: str) -> str:
        """`place` as the code inside sees it."""
        return f"/box/{place}"


def bubblewrap(box: Plan, as_first: bool) -> list[str]:
    """bwrap and its options, up to the command. as_first: the command is process 1 of its namespace."""
    size = str(box.limits.tmp_mib * 2**20)
    words = ["bwrap", "--die-with-parent", "--cap-drop", "ALL"]
    words += [f"--unshare-{what}" for what in ("pid", "net", "ipc", "uts", "cgroup-try")]
    if box.uid is not None:  # root: the parent keeps what it needs to drop and end its children
        words += [word for name in CAPABILITIES for word in ("--cap-add", f"CAP_{name}")]
    else:
        words += ["--unshare-user"]
    if as_first:
        words += ["--as-pid-1"]  # nothing inside its namespace can kill process 1
    parents = {str(folder) for path in box.system for folder in Path(path).parents}
    for place in (*box.sources, *box.writable):
        parents |= {str(folder) for folder in Path(box.path(place)).parents}
    for folder in sorted(parents - {"/", *box.system}):
        if not any(folder.startswith(f"{bound}/") for bound in box.system):
            # bubblewrap's own default keeps other users out
            words += ["--perms", "0755", "--dir", folder]
    for path in box.system:
        words += ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for place in ("/dev/shm", box.tmp):
        words += ["--perms", "1777", "--size", size, "--tmpfs", place]
    for place, source in box.sources.items():
        words += ["--ro-bind", str(source), box.path(place)]
    for place in box.writable:
        words += ["--bind", str(box.root / place), box.path(place)]
    for path in box.private:  # only where a path is below one that is bound
        if path.exists() and any(path.is_relative_to(bound) for bound in box.system):
            words += ["--tmpfs", str(path)] if path.is_dir() else ["--ro-bind", "/dev/null", str(path)]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", box.tmp]


def container(box: Plan, name: str, variables: Mapping[str, str]) -> list[str]:
    """docker or podman over an empty image: the same paths of this machine, read-only, and nothing else."""
    tool = container_tool() or "docker"
    words = [tool, "run", "--rm", "--name", name, "--network=none", "--read-only", f"--workdir={box.tmp}"]
    words += ["--cap-drop=ALL", *(f"--cap-add={capability}" for capability in CAPABILITIES)]
    words += [f"--pids-limit={box.limits.processes * 2}", f"--memory={box.limits.memory_mib + 1024}m"]
    words += ["--read-only-tmpfs=false"] if tool == "podman" else []  # or /run and /var/tmp are writable
    words += ["--security-opt=no-new-privileges", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
    for place in (box.tmp, "/dev/shm"):
        words += ["--tmpfs", f"{place}:rw,mode=1777,size={box.limits.tmp_mib}m"]
    words += [f"--env={variable}={value}" for variable, value in variables.items()]
    for path in box.system:
        words += ["--volume", f"{os.path.realpath(path)}:{path}:ro"]
    for place, source in box.sources.items():
        words += ["--volume", f"{source}:{box.path(place)}:ro"]
    for place in box.writable:
        words += ["--volume", f"{box.root / place}:{box.path(place)}:rw"]
    return [*words, empty_image(tool)]


@functools.cache
def empty_image(tool: str) -> str:
    """An image without any file: everything that a box sees is bound from this machine."""
    name = "labs-empty:1"
    if subprocess.run([tool, "image", "inspect", name], capture_output=True).returncode:
        archive = bytes(10240)  # an empty tar
        subprocess.run([tool, "import", "-", name], input=archive, capture_output=True, check=True)
    return name
