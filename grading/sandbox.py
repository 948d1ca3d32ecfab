"""Where a student's code runs: four backends with one face.

    with Box("bubblewrap", read_only={"staff/labkit": root / "labkit"}, writable=("work",)) as box:
        process = box.popen([box.python, "-I", "-S", box.path("staff/tool.py")], stdout=log)
        process.wait(timeout=60)

A box is a small tree: `read_only` names what is placed in it, `writable` what the code may fill.
`box.path(name)` is the place as the code inside sees it, `box.host_path(name)` the writable folder as the
grader sees it. The code finds nothing else but a Python, the system's libraries, /proc, a bare /dev and an
empty /tmp.

    backend     network        files                    user                    needs
    bubblewrap  none           only what was named      own id, own processes   bwrap
    user        none: seccomp  what is open to others   own id                  root, pyseccomp
    container   none           only what was named      own id, own processes   docker or podman
    limits      not isolated   not isolated             yours                   nothing

Which backend: `backends.py`. Command lines: `launch.py`. What a process gives up before it runs a student's
code: `confine.py`. Not covered: a kernel with a hole in it; how much disk `user` fills. Where the
kernel has landlock, `user` too shows only what was named.
"""

import importlib.util
import os
import secrets
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from grading import clearing, confine, launch, scratch
from grading.backends import BACKENDS, Probe, SandboxError, choose, container_tool, probe
from grading.confine import Confinement, Limits
from grading.system import (
    ENVIRONMENT,
    python_for_others,
    site_packages,
    system_paths,
    take_user,
    tree_open_to_others,
)

__all__ = [
    "BACKENDS",
    "Box",
    "Probe",
    "SandboxError",
    "choose",
    "probe",
    "site_packages",
]


class Box:
    """One sandbox with its own user, files and processes; a context manager.

    read_only: place in the box → the grader's file or folder; copied where the user inside couldn't read it.
    changeable: the same for folders whose content `replace` may change while the box is open; always copied.
    writable: places that the code may fill; `host_path(place)` exists at once, put input files there.
    private: paths that the code must not be able to read. Where the backend doesn't hide them by itself, this
        is tried with the box's own user. Raises SandboxError: names the first that is open, and the command.
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
        self.root, held = scratch.make("labs-box-")
        self._held: int | None = held
        self.root.chmod(0o711)
        self.processes: dict[subprocess.Popen, int] = {}  # → how many of its descendants are the box's own
        self._lock: IO[str] | None = None
        self._container = ""
        self.uid: int | None = None
        try:
            self.uid = self._take_user() if os.geteuid() == 0 and self.backend != "limits" else None
            self.python = self._python()
            self._system = tuple(system_paths(self.python))
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

    @property
    def tmp(self) -> str:
        """The folder for temporary files as the code inside sees it: emptied after every test."""
        if not self.own_namespaces:
            return self.path("tmp")
        # a checkout below /tmp, with its Python, is bound where it is: no place to empty
        return "/box/tmp" if any(path.startswith("/tmp/") for path in self._system) else "/tmp"

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
        if self.own_namespaces and (self.uid is None or tree_open_to_others(source)):
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
        clearing.empty(target)
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
            return python_for_others() or sys.executable
        return os.path.realpath(sys.executable)

    def _take_user(self) -> int:
        taken = take_user()
        if taken is None:
            raise SandboxError("all worker users of this machine are busy; wait until other gradings end")
        uid, self._lock = taken
        return uid

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

        confined: drop user, privileges and limits first. False only for the worker's parent, which runs staff
            code and confines each of its children itself.
        """
        if self.uid is not None:
            for place in self.writable:
                _give_to(self.host_path(place), self.uid)
        command = list(command)
        if confined:
            guard = [self.python, "-I", "-S", self.path("guard/confine.py")]
            command = [*guard, self.confinement.to_json(), "--", *command]
        variables = ENVIRONMENT | {
            "HOME": self.tmp,
            "TMPDIR": self.tmp,
            "HF_HOME": f"{self.tmp}/hf",
            "MPLCONFIGDIR": self.tmp,
        }
        variables |= environment or {}
        if self.backend == "bubblewrap":
            command = [*launch.bubblewrap(self._plan(), as_first=not confined), "--", *command]
        elif self.backend == "container":
            self._container = f"labs-{secrets.token_hex(8)}"
            command = [*launch.container(self._plan(), self._container, variables), *command]
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
        # bubblewrap's own process 1, unless the command is that, and the command
        own = (2 if confined else 1) if self.backend == "bubblewrap" else 0
        self.processes[process] = own
        return process

    def below(self, process: subprocess.Popen) -> list[psutil.Process]:
        """Every process that the command of `process` started. None in a container: it has its own limit."""
        own = self.processes.get(process)
        if own is None or self.backend == "container":
            return []
        try:
            return psutil.Process(process.pid).children(recursive=True)[own:]
        except psutil.NoSuchProcess:
            return []

    def _plan(self) -> launch.Plan:
        return launch.Plan(
            root=self.root,
            uid=self.uid,
            limits=self.limits,
            system=self._system,
            tmp=self.tmp,
            sources=self._sources,
            writable=self.writable[1:],
            private=tuple(self.private),
        )

    def kill_all(self) -> None:
        """Ends every process of this box, also those that left their session."""
        if self._container:
            subprocess.run([container_tool(), "kill", self._container], capture_output=True)
            self._container = ""
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
        if self.uid is not None and self.backend == "user":
            clearing.remove_files_of(self.uid)
        clearing.remove(self.root)
        if self._held is not None:
            os.close(self._held)
            self._held = None
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
        samples = [path for private in self.private for path in (private, *sorted(private.rglob("*"))[:200])]
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


def _give_to(folder: Path, uid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)
    folder.chmod(0o700)
