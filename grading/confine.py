"""What a process gives up before it runs a student's code: user id, new privileges, network, files, limits.

Runs inside the sandbox, in the child that is about to run untrusted code, and needs only the standard library
(and pyseccomp, where it is installed). Two users: `worker.py`, after its fork, and `sandbox.Box.popen`, as a
program:

    python -I -S confine.py '{"uid": 60001, "limits": {...}}' -- jupyter-like-command its arguments
    python -I -S confine.py --kill 60001          every process of that user, and nothing else, ends

Sources: setrlimit(2), prctl(2), seccomp(2), landlock(7), credentials(7). Not covered: what the namespaces of
the backend do (`sandbox.py`), and macOS, where only the limits that exist there apply.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What one test (or one notebook) may use. CPU time decides; wall time is for code that sleeps."""

    cpu_seconds: int = 20  # the slowest reference test of a lab takes 4
    wall_factor: int = 5  # wall-clock limit = 5 × CPU limit: a busy machine costs nobody a point
    memory_mib: int = 2048  # beyond what the warmed parent shares; a nano training step needs 300
    processes: int = 64  # threads count; torch and tokenizers start a few
    file_mib: int = 64  # one file; the nano models are 10 to 30
    tmp_mib: int = 256  # /tmp and /dev/shm, each, where the backend mounts its own
    open_files: int = 256
    output_kib: int = 64  # of stdout and stderr, kept for the instructor; never parsed

    @property
    def wall_seconds(self) -> float:
        return float(self.cpu_seconds * self.wall_factor)


@dataclass(frozen=True)
class Confinement:
    """Everything `confine` needs to know, as plain values, so that it crosses a command line as JSON."""

    limits: Limits = field(default_factory=Limits)
    uid: int | None = None  # None: stay who you are (a user namespace, or the `limits` backend)
    seccomp: bool = True
    site_packages: tuple[str, ...] = ()  # where pyseccomp lives, for the program form
    readable: tuple[str, ...] | None = None  # landlock: only these may be read and run; None: no landlock
    writable: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Confinement":
        raw = json.loads(text)
        raw["limits"] = Limits(**raw["limits"])
        for name in ("site_packages", "readable", "writable"):
            raw[name] = None if raw[name] is None else tuple(raw[name])
        return cls(**raw)


def confine(what: Confinement, allocated_bytes: int = 0) -> None:
    """Give everything up, for good. `allocated_bytes`: data memory that this process holds already.

    Raises OSError when a step that this backend relies on fails: better no test than an unconfined one.
    """
    if sys.platform == "linux":
        _prefer_as_oom_victim()
        if what.uid is not None:
            os.setgroups([])
            os.setresgid(what.uid, what.uid, what.uid)
            os.setresuid(what.uid, what.uid, what.uid)
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        _prctl(PR_SET_DUMPABLE, 1)  # setuid cleared it, and /proc/self would be unreadable
        if what.readable is not None:
            restrict_files(what.readable, what.writable)
        if what.seccomp:
            forbid_system_calls()
    set_limits(what.limits, allocated_bytes, count_processes=sys.platform == "linux")


def set_limits(limits: Limits, allocated_bytes: int = 0, count_processes: bool = True) -> None:
    """Resource limits of this process and its children, soft and hard."""
    wanted = [
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        (resource.RLIMIT_FSIZE, limits.file_mib * MIB, limits.file_mib * MIB),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
        (resource.RLIMIT_CORE, 0, 0),
    ]
    if sys.platform == "linux":  # macOS ignores RLIMIT_DATA
        memory = limits.memory_mib * MIB + allocated_bytes
        wanted.append((resource.RLIMIT_DATA, memory, memory))
    if count_processes:
        already = 0 if os.getuid() >= FIRST_UID else _processes_of(os.getuid())
        wanted.append((resource.RLIMIT_NPROC, limits.processes + already, limits.processes + already))
    for what, soft, hard in wanted:
        ceiling = resource.getrlimit(what)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(what, (soft, hard))


FIRST_UID = 60_000  # the users that workers drop to; above the range that Debian gives to people


def _processes_of(uid: int) -> int:
    """Threads that this user runs already: RLIMIT_NPROC counts a laptop's whole desktop."""
    count = 0
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:  # it ended meanwhile
            continue
    return count


def _prefer_as_oom_victim() -> None:
    """When the machine itself runs out of memory, the kernel takes this process and not the grader."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
    except OSError:  # /proc is read-only in some containers; the limits below still hold
        return


# --- prctl, seccomp, landlock ---

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 4, 36, 38


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value}) failed")


def become_subreaper() -> None:
    """Orphans of this process's descendants become its children, so that none can hide."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def become_unreadable() -> None:
    """No process of the same user may trace this one or open its /proc files."""
    _prctl(PR_SET_DUMPABLE, 0)


FORBIDDEN_CALLS = (
    # other processes' memory
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "userfaultfd"),
    # namespaces, mounts, the kernel
    *("mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "bpf", "perf_event_open"),
    *("init_module", "finit_module", "kexec_load", "add_key", "request_key", "keyctl"),
    *("open_by_handle_at", "swapon", "reboot"),
    # io_uring goes round seccomp; System V and POSIX queues outlive a test
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("shmget", "shmat", "semget", "msgget", "mq_open"),
)


def forbid_system_calls() -> None:
    """No sockets but local ones, no tracing, no namespaces. Raises ImportError when pyseccomp is missing."""
    import errno
    import socket

    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(defaction=seccomp.ALLOW)
    denied = seccomp.ERRNO(errno.EPERM)
    for name in FORBIDDEN_CALLS:
        rules.add_rule(denied, name)
    for name in ("socket", "socketpair"):
        rules.add_rule(denied, name, seccomp.Arg(0, seccomp.NE, int(socket.AF_UNIX)))
    new_user = 0x10000000  # CLONE_NEWUSER
    rules.add_rule(denied, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, new_user, new_user))
    # the flags of clone3 are behind a pointer; libc falls back to clone
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.load()


_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # the same on x86-64 and arm64
_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read file, read directory
_ALL_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}


def landlock_version() -> int:
    """The kernel's landlock ABI, 0 where there is none (or the container forbids it)."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


def restrict_files(readable: Sequence[str], writable: Sequence[str]) -> None:
    """Landlock: from here on only these paths exist for this process. No-op without landlock."""
    version = landlock_version()
    if version == 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    handled = _ALL_BY_ABI[min(version, 5)]
    scope = 3 if version >= 6 else 0  # 3: no signals or abstract sockets out
    attributes = (ctypes.c_uint64 * 3)(handled, 0, scope)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = libc.syscall(
        _LANDLOCK_CREATE, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset failed")
    of_files = 0b111 | (1 << 14 if version >= 3 else 0) | (1 << 15 if version >= 5 else 0)
    for path, allowed in [*((p, _READ) for p in readable), *((p, handled) for p in writable)]:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):  # not there, or closed to this user anyway
            continue
        if not os.path.isdir(path):
            allowed &= of_files

        class Beneath(ctypes.Structure):
            _pack_ = 1
            _fields_ = [("allowed", ctypes.c_uint64), ("descriptor", ctypes.c_int32)]

        rule = Beneath(allowed, descriptor)
        failed = libc.syscall(_LANDLOCK_ADD, ruleset, ctypes.c_int(1), ctypes.byref(rule), ctypes.c_uint32(0))
        os.close(descriptor)
        if failed:
            raise OSError(ctypes.get_errno(), f"landlock_add_rule failed for {path}")
    if libc.syscall(_LANDLOCK_RESTRICT, ruleset, ctypes.c_uint32(0)):
        raise OSError(ctypes.get_errno(), "landlock_restrict_self failed")
    os.close(ruleset)


# --- ending everything ---

# Each worker user has a killer user of its own, 1,000 below: no other process runs as it, so nobody signals
# the killer, and of two gradings at once neither ends the other's killer.
KILLER_BELOW = 1_000


def kill_user(uid: int, patience: float = 5.0) -> None:
    """Ends every process of `uid`; to be called as root, in a process of its own (`kill_user_from_root`).

    The killer's effective user is `uid`, so that kill(-1) reaches exactly that user, while its real and saved
    user is one that the others may not signal. Repeated until nobody is left: a fork may slip through one
    round. Raises TimeoutError.
    """
    os.setgroups([])
    os.setresuid(uid - KILLER_BELOW, uid, uid - KILLER_BELOW)
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # there is nobody, or nobody of `uid`
            os.kill(-1, signal.SIGKILL)
        if not _runs_as(uid):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes of user {uid} are still there")
        time.sleep(0.001)


def _runs_as(uid: int) -> bool:
    """Whether a process of this user is alive. Reads `status`: a process can hide its owner from stat."""
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/status", "rb") as file:
                    status = dict(line.split(b":", 1) for line in file.read().splitlines() if b":" in line)
            except OSError:  # it ended meanwhile
                continue
            if status[b"State"].split()[0] not in b"ZX" and b"%d" % uid in status[b"Uid"].split():
                return True
    return False


def kill_user_from_root(uid: int) -> None:
    """`kill_user` in a fork. Only for single-threaded callers (the zygote)."""
    child = os.fork()
    if child == 0:
        try:
            kill_user(uid)
            os._exit(0)
        except BaseException as error:
            os.write(2, f"the killer of user {uid} failed: {error!r}\n".encode())  # see `Worker.losses`
            os._exit(1)
    os.waitpid(child, 0)


def kill_descendants() -> None:
    """Kills every descendant of this process, once: the `limits` backend has no more than this.

    Collects none of them: the caller wants to know how its own child ended.
    """
    for pid in _descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _descendants(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(name))  # a Z too: other threads may go on
    found, queue = [], [root]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--kill"]:
        kill_user(int(arguments[1]))
        return
    what = Confinement.from_json(arguments[0])
    sys.path.extend(what.site_packages)
    if sys.platform == "linux":
        become_subreaper()  # orphans stay below the command, where the memory watch finds them
    confine(what)
    command = arguments[2:]
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
