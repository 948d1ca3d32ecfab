"""Where a student's code runs: four backends with one face.

    with Box("bubblewrap", read_only={"staff/labkit": root / "labkit"}, writable=("work",)) as box:
        process = box.popen([box.python, "-I", "-S", box.path("staff/tool.py")], stdout=log)
        process.wait(timeout=60)

A box is a small tree: `read_only` names what is placed in it, `writable` what the code may fill. `box.path(name)` is
the place as the code inside sees it, `box.host_path(name)` the writable folder as the grader sees it. The code finds
nothing else but a Python, the system's libraries, /proc, a bare /dev and an empty /tmp.

| backend      | network         | files                                   | user                        | needs |
|--------------|-----------------|-----------------------------------------|-----------------------------|-------|
| bubblewrap   | none            | only the paths named, own /tmp          | own id, own pid namespace   | bwrap |
| user         | none (seccomp)  | what others may read; landlock, if any  | own id                      | root, pyseccomp |
| container    | none            | only the paths named, own /tmp          | own id, own pid namespace   | docker or podman |
| limits       | not isolated    | not isolated                            | yours                       | nothing: only for code you trust |

Sources: bwrap(1), docker-run(1). Not covered: a kernel with a hole in it. What a process gives up is in `confine.py`.
"""

import contextlib
import fcntl
import functools
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from grading import confine
from grading.confine import FIRST_UID, Confinement, Limits

BACKENDS = ("bubblewrap", "user", "container", "limits")  # in the order in which "auto" tries them
USERS = 200  # ids FIRST_UID … FIRST_UID+199: one per box, so boxes of one machine never share a user
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

    own_code: the code is the caller's, so that "auto" may end at `limits`. Asked for by name, `limits` is granted.
    Raises SandboxError with every reason.
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
    if _python_for_others() is None:
        return (
            f"other users can't run {os.path.realpath(sys.executable)}: a folder above it is closed to them"
        )
    closed = [str(path) for path in site_packages() if not _open_to_others(path)]
    if closed:
        return f"other users can't read {closed[0]}: a folder above it is closed to them"
    if importlib.util.find_spec("pyseccomp") is None:
        return "pyseccomp is missing, which keeps the code off the network: pip install pyseccomp"
    return ""


def _why_no_container() -> str:
    tool = _container_tool()
    return "" if tool else "neither docker nor podman is installed with its service running"


@functools.cache
def _container_tool() -> str | None:
    for tool in ("podman", "docker"):
        if shutil.which(tool):
            try:
                if subprocess.run([tool, "info"], capture_output=True, timeout=20).returncode == 0:
                    return tool
            except (OSError, subprocess.TimeoutExpired):
                continue
    return None


# --- what every box needs of the system -------------------------------------------------------------------------


@functools.cache
def site_packages() -> tuple[Path, ...]:
    """The folders that hold the course's libraries. Put on the path by hand: .pth files are not run in a box."""
    folders = []
    for name in ("torch", "transformers", "numpy", "ipykernel", "pyseccomp"):
        found = importlib.util.find_spec(name)
        if found is not None and found.origin and (folder := Path(found.origin).parents[1]) not in folders:
            if found.submodule_search_locations is None:  # a single file: pyseccomp.py
                folder = Path(found.origin).parent
            folders.append(folder)
    return tuple(dict.fromkeys(folders))


def _python_for_others() -> str | None:
    """A Python of this very minor version that other users can run: ours, or else the system's."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if os.path.exists(candidate) and _open_to_others(Path(os.path.realpath(candidate))):
            return candidate
    return None


def _open_to_others(path: Path) -> bool:
    """Whether every folder on the way may be entered by everybody, and the end be read."""
    if any(not folder.stat().st_mode & stat.S_IXOTH for folder in path.parents):
        return False
    return bool(path.stat().st_mode & stat.S_IROTH)


def _system_paths(python: str) -> list[str]:
    """What a program needs to start: libraries, the Python, the course's libraries."""
    paths = ["/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/ld.so.conf"]
    paths += ["/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime"]
    base = str(Path(os.path.realpath(python)).parents[1])
    wanted = [base, *map(str, site_packages())]
    if sys.prefix != sys.base_prefix:
        wanted.append(sys.prefix)
    covered = ("/usr/", "/lib/", "/bin/")
    return [
        p
        for p in dict.fromkeys(paths + wanted)
        if os.path.exists(p) and (p in paths or not p.startswith(covered))
    ]


ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "USER": "student",
    "LOGNAME": "student",
    # one thread each: a fork of a process with a thread pool would wait for threads that it doesn't have
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
    ),
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class Box:
    """One sandbox with its own user, files and processes; a context manager.

    read_only: place in the box → file or folder of the grader's; copied where the user inside couldn't read it.
    changeable: the same for folders whose content `replace` may change while the box is open; always copied.
    writable: places that the code may fill; `host_path(place)` exists at once, put input files there.
    private: paths that the code must not be able to read. Where the backend doesn't hide them by itself this is
        tried, with the box's own user, and SandboxError names the first that is open.
    """

    def __init__(
        self,
        backend: str,
        *,
        read_only: Mapping[str, Path] | None = None,
        changeable: Mapping[str, Path] | None = None,
        writable: Sequence[str] = (),
        limits: Limits | None = None,
        private: Iterable[Path] = (),
        checked: bool = False,
    ):
        self.backend = backend if checked else choose(backend)
        self.limits = limits or Limits()
        self.root = Path(tempfile.mkdtemp(prefix="labs-box-"))
        self.root.chmod(0o711)
        self.processes: list[subprocess.Popen] = []
        self._lock: IO[str] | None = None
        try:
            self.uid = self._take_user() if os.geteuid() == 0 and self.backend != "limits" else None
            self.python = self._python()
            self._system = _system_paths(self.python)
            guard = Path(__file__).with_name("confine.py")
            self.read_only = {"guard/confine.py": guard, **(read_only or {})}
            self._sources = {place: self._place(place, Path(path)) for place, path in self.read_only.items()}
            for place, folder in (changeable or {}).items():
                self._sources[place] = self.root / place
                self.replace(place, folder)
            self.writable = ("tmp", *writable)
            for place in self.writable:
                self.host_path(place).mkdir(parents=True, exist_ok=True)
            self.private = [Path(path).resolve() for path in private]
            self._check_private()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Box":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- places

    @property
    def own_namespaces(self) -> bool:
        """Whether the backend shows the code nothing but what was named."""
        return self.backend in ("bubblewrap", "container")

    def path(self, place: str) -> str:
        """`place` as the code inside sees it."""
        return f"/box/{place}" if self.own_namespaces else str(self.root / place)

    def host_path(self, place: str) -> Path:
        """A writable place as the grader sees it. What the code left there is its claim: see `read_back`."""
        return self.root / place

    def read_back(self, place: str, max_bytes: int) -> bytes:
        """The bytes of a file that the code wrote. No links are followed.

        Raises SandboxError: no ordinary file there, or more than `max_bytes`.
        """
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        parts = Path(place).parts
        try:
            for part in parts[:-1]:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            descriptor = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except OSError as error:
            raise SandboxError(f"the code left no file {place}: {error.strerror}") from None
        finally:
            os.close(folder)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SandboxError(f"the code left something else than a file at {place}")
            content = file.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise SandboxError(f"the file {place} is larger than {max_bytes:,} bytes")
        return content

    def _place(self, place: str, source: Path) -> Path:
        """Where the box takes `place` from: the source itself, or a copy that the user inside can read."""
        source = source.resolve()
        if not source.exists():
            raise SandboxError(f"expected {source}, to be placed in the box as {place}; it doesn't exist")
        if self.own_namespaces and (self.uid is None or _tree_open_to_others(source)):
            return source
        target = self.root / place
        if self.backend == "limits":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
            return target
        self._copy(source, target)
        return target

    def replace(self, place: str, folder: Path) -> None:
        """Puts the content of `folder` in a changeable place; the code sees it from its next look on."""
        target = self.root / place
        for old in target.iterdir() if target.exists() else ():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        self._copy(Path(folder).resolve(), target)

    def _copy(self, source: Path, target: Path) -> None:
        """A copy that the user inside can read and not change."""
        target.parent.mkdir(parents=True, exist_ok=True)
        for folder in target.parents:
            if folder == self.root:
                break
            folder.chmod(0o755)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)
        for path in (target, *target.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def _python(self) -> str:
        if self.backend == "user":
            return _python_for_others() or sys.executable
        return os.path.realpath(sys.executable)

    def _take_user(self) -> int:
        """A user id that no other box of this machine holds, held by a lock as long as this box is open."""
        for number in range(USERS):
            path = (
                Path("/run/lock" if os.path.isdir("/run/lock") else "/tmp")
                / f"labs-user-{FIRST_UID + number}"
            )
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            self._lock = os.fdopen(descriptor, "w")
            return FIRST_UID + number
        raise SandboxError(f"all {USERS} worker users are busy; wait until other gradings end")

    # --- processes

    @property
    def confinement(self) -> Confinement:
        """What a process in this box must give up before it runs a student's code."""
        with_seccomp = self.backend != "limits" and sys.platform == "linux"
        files = None
        if self.backend == "user":
            # whole top folders: Python lists a folder on its path to import from it
            inside = dict.fromkeys(self.path(Path(place).parts[0]) for place in self._sources)
            files = (*self._system, *inside, "/proc", "/dev", "/sys/devices/system/cpu")
        return Confinement(
            limits=self.limits,
            uid=self.uid,
            seccomp=with_seccomp and importlib.util.find_spec("pyseccomp") is not None,
            site_packages=tuple(map(str, site_packages())),
            readable=files,
            writable=(*map(self.path, self.writable), "/dev/shm", "/dev/null") if files else (),
        )

    def popen(
        self,
        command: Sequence[str],
        *,
        confined: bool = True,
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        stdin: int | IO = subprocess.DEVNULL,
        stdout: int | IO = subprocess.DEVNULL,
        stderr: int | IO = subprocess.DEVNULL,
    ) -> subprocess.Popen:
        """Starts `command` (absolute paths as inside) in the box, in its own session.

        confined: drop user, privileges and limits first. False only for the worker's parent, which runs staff code
            and confines each of its children itself.
        """
        if self.uid is not None:
            for place in self.writable:
                _give_to(self.host_path(place), self.uid)
        command = list(command)
        if confined:
            guard = [self.python, "-I", "-S", self.path("guard/confine.py")]
            command = [*guard, self.confinement.to_json(), "--", *command]
        home = "/tmp" if self.own_namespaces else self.path("tmp")
        variables = ENVIRONMENT | {
            "HOME": home,
            "TMPDIR": home,
            "HF_HOME": f"{home}/hf",
            "MPLCONFIGDIR": home,
        }
        variables |= environment or {}
        if self.backend == "bubblewrap":
            command = [*self._bubblewrap(as_first=not confined), "--", *command]
        elif self.backend == "container":
            command = [*self._container(variables), *command]
        process = subprocess.Popen(
            command,
            env=variables if self.backend != "container" else None,
            cwd=str(self.root) if self.own_namespaces else self.path("tmp"),
            pass_fds=tuple(pass_fds),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def _bubblewrap(self, as_first: bool) -> list[str]:
        tmp = str(self.limits.tmp_mib * 2**20)
        words = [
            "bwrap",
            "--die-with-parent",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-ipc",
            "--unshare-uts",
        ]
        words += ["--unshare-cgroup-try", "--cap-drop", "ALL"]
        if self.uid is not None:  # root: the parent keeps what it needs to drop and end its children
            for capability in ("SETUID", "SETGID", "KILL", "DAC_OVERRIDE", "FOWNER"):
                words += ["--cap-add", f"CAP_{capability}"]
        else:
            words += ["--unshare-user"]
        if as_first:
            words += ["--as-pid-1"]  # nothing inside its namespace can kill process 1
        parents = {str(folder) for path in self._system for folder in Path(path).parents}
        for place in (*self._sources, *self.writable[1:]):
            parents |= {str(folder) for folder in Path(self.path(place)).parents}
        for folder in sorted(parents - {"/", *self._system}):
            if not any(folder.startswith(f"{bound}/") for bound in self._system):
                words += [
                    "--perms",
                    "0755",
                    "--dir",
                    folder,
                ]  # bubblewrap's own default keeps other users out
        for path in self._system:
            words += (
                ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
            )
        words += ["--proc", "/proc", "--dev", "/dev"]
        for place in ("/dev/shm", "/tmp"):
            words += ["--perms", "1777", "--size", tmp, "--tmpfs", place]
        for place, source in self._sources.items():
            words += ["--ro-bind", str(source), self.path(place)]
        for place in self.writable[1:]:
            words += ["--bind", str(self.host_path(place)), self.path(place)]
        for path in self.private:  # only where a path is below one that is bound
            if path.exists() and any(path.is_relative_to(bound) for bound in self._system):
                words += ["--tmpfs", str(path)] if path.is_dir() else ["--ro-bind", "/dev/null", str(path)]
        return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]

    def _container(self, variables: Mapping[str, str]) -> list[str]:
        """docker or podman over an empty image: the same paths of this machine, read-only, and nothing else."""
        tool = _container_tool() or "docker"
        words = [
            tool,
            "run",
            "--rm",
            "-i",
            "--network",
            "none",
            "--read-only",
            "--cap-drop",
            "ALL",
            "--ipc",
            "none",
        ]
        for capability in ("SETUID", "SETGID", "KILL", "DAC_OVERRIDE", "FOWNER"):
            words += ["--cap-add", capability]
        words += [
            "--pids-limit",
            str(self.limits.processes * 2),
            "--memory",
            f"{self.limits.memory_mib + 1024}m",
        ]
        words += ["--security-opt", "no-new-privileges", "--workdir", "/tmp"]
        for place in ("/tmp", "/dev/shm"):
            words += ["--tmpfs", f"{place}:rw,mode=1777,size={self.limits.tmp_mib}m"]
        for name, value in variables.items():
            words += ["--env", f"{name}={value}"]
        for path in self._system:
            words += ["--volume", f"{os.path.realpath(path)}:{path}:ro"]
        for place, source in self._sources.items():
            words += ["--volume", f"{source}:{self.path(place)}:ro"]
        for place in self.writable[1:]:
            words += ["--volume", f"{self.host_path(place)}:{self.path(place)}:rw"]
        return [*words, _empty_image(tool)]

    def kill_all(self) -> None:
        """Ends every process of this box, also those that left their session."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()  # bubblewrap: the namespace dies with it
        if self.backend == "user" and self.uid is not None and self.processes:
            subprocess.run(
                [sys.executable, "-I", "-S", confine.__file__, "--kill", str(self.uid)], check=True
            )
        for process in self.processes:
            process.wait(timeout=30)
        self.processes.clear()

    def close(self) -> None:
        """Ends everything, removes every file of this box and gives its user back."""
        self.kill_all()
        if getattr(self, "uid", None) is not None and self.backend == "user":
            clear_user_files(self.uid)
        shutil.rmtree(self.root, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _check_private(self) -> None:
        if self.backend != "user" or not self.private:
            return
        program = (
            "import os, sys\n"
            "for path in sys.argv[1:]:\n"
            "    try: os.close(os.open(path, os.O_RDONLY))\n"
            "    except OSError: continue\n"
            "    sys.stdout.write(path); break\n"
        )
        samples = [path for private in self.private for path in (private, *sorted(private.glob("*"))[:20])]
        command = [self.python, "-I", "-S", "-c", program, *map(str, samples)]
        process = self.popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        found, errors = process.communicate(timeout=60)
        if process.returncode:
            raise SandboxError(
                f"the sandbox `user` failed to start: {errors.decode(errors='replace').strip()[-300:]}"
            )
        if found:
            path = found.decode()
            raise SandboxError(
                f"the sandbox `user` would let a submission read {path}; close it to other users first: "
                f"chmod 700 {Path(path).parent if Path(path).is_file() else path}"
            )


def _tree_open_to_others(path: Path) -> bool:
    """Whether everybody may read this file, or this folder and all below it (the folders above don't matter)."""
    for inner in (path, *path.rglob("*")) if path.is_dir() else (path,):
        mode = inner.stat().st_mode
        if not mode & stat.S_IROTH or (stat.S_ISDIR(mode) and not mode & stat.S_IXOTH):
            return False
    return True


def _give_to(folder: Path, uid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)
    folder.chmod(0o700)


def clear_user_files(
    uid: int, folders: Sequence[str] = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock")
) -> None:
    """Removes what a worker's user left in the folders where everybody may write. Call when its processes ended."""
    for folder in folders:
        for entry in os.scandir(folder) if os.path.isdir(folder) else ():
            if entry.stat(follow_symlinks=False).st_uid == uid:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)


def resident_bytes(processes: Sequence[psutil.Process]) -> int:
    """Bytes in memory, shared pages counted once for each process: quick, and never too little."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def proportional_bytes(processes: Sequence[psutil.Process]) -> int:
    """Bytes, pages that several processes share divided among them."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
            total += next(
                int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")
            )
    return total


@functools.cache
def _empty_image(tool: str) -> str:
    """An image without any file: everything that a box sees is bound from this machine."""
    name = "labs-empty:1"
    if subprocess.run([tool, "image", "inspect", name], capture_output=True).returncode:
        archive = bytes(10240)  # an empty tar
        subprocess.run([tool, "import", "-", name], input=archive, capture_output=True, check=True)
    return name
