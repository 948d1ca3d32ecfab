"""Watches what a process of a box started, from outside: together not too much memory, and not for too long.

    watch = Watch(box, process, seconds=300)
    watch.wait()                      # until the process has ended, its deadline has ended it, or `close`
    watch.too_much_memory.is_set()    # True: what it started held too much together and was killed

RLIMIT_DATA counts each process alone; many small ones can fill a machine as well. Not covered: the container
backend, whose tool limits the memory of the whole container.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from grading.sandbox import Box

INTERVAL = 0.1  # seconds: a process fills a gigabyte in half a second


class Watch:
    """A thread that looks after `process`, which `box` started, and everything below it.

    seconds: after so long `process` itself is killed; None: never.
    """

    def __init__(self, box: Box, process: subprocess.Popen, seconds: float | None = None):
        self.too_much_memory = threading.Event()
        self._box, self._process = box, process
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until there is nothing to watch any more."""
        self._thread.join()

    def close(self) -> None:
        """Watches no longer; ends nothing."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        ceiling = self._box.limits.memory_mib * 2**20
        while self._process.poll() is None and not self._closed.wait(INTERVAL):
            if time.monotonic() > self._deadline:
                self._process.kill()
                return
            found = self._box.below(self._process)
            if resident_bytes(found) > ceiling and proportional_bytes(found) > ceiling:
                self.too_much_memory.set()
                for process in found:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()


def resident_bytes(processes: Sequence[psutil.Process]) -> int:
    """Bytes in memory, shared pages counted once for each process: quick, and never too little."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def proportional_bytes(processes: Sequence[psutil.Process]) -> int:
    """Bytes, pages that several processes share divided among them; of one that hides them every page."""
    total = 0
    for process in processes:
        try:
            lines = _memory_map(process.pid).splitlines()
            total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))
        except OSError:
            total += resident_bytes([process])
    return total


def _memory_map(pid: int) -> bytes:
    """What the kernel sums up of a process's pages. Raises OSError: it hides them, or has ended.

    It takes the right to trace the process. Root in a container lacks it for other users', so it reads as the
    process's owner (a hidden process says root), in this thread alone: setfsuid(2).
    """
    owner, libc, root = os.stat(f"/proc/{pid}"), ctypes.CDLL(None), os.geteuid() == 0
    try:  # nothing here may need a file of root's: Python would import a codec as the owner
        if root:
            libc.setfsgid(owner.st_gid)
            libc.setfsuid(owner.st_uid)
        file = os.open(f"/proc/{pid}/smaps_rollup", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        if root:
            libc.setfsuid(0)
            libc.setfsgid(os.getegid())
    try:
        return os.read(file, 65_536)
    finally:
        os.close(file)
