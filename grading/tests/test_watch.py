"""The memory watch over a box's processes, also where the grader may not look into them."""

import os
import shutil
import subprocess
import sys

import pytest

from grading import sandbox
from grading.tests.submissions import ROOT

# What a container leaves root by default, and what any other user is once the code hides its processes.
WITHOUT_TRACING = ["setpriv", "--bounding-set", "-sys_ptrace,-sys_admin,-perfmon"]

HIDDEN = """
import ctypes, os, time
for _ in range(4):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: nobody may look into this process
        held = b"x" * 80_000_000
        time.sleep(120)
        os._exit(0)
time.sleep(120)
"""

SHARED = """
import os, time
held = b"x" * 100_000_000  # once for all five
for _ in range(4):
    if os.fork() == 0:
        break
time.sleep(120)
"""

ORPHANS = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        if os.fork() == 0:
            held = b"x" * 80_000_000
            time.sleep(120)
        os._exit(0)
    os.wait()
time.sleep(120)
"""

GRADER = """
import sys
from grading.confine import Limits
from grading.sandbox import Box
from grading.watch import Watch

with Box(sys.argv[1], limits=Limits(memory_mib=200)) as box:
    process = box.popen([box.python, "-I", "-S", "-c", sys.argv[2]])
    watch = Watch(box, process, seconds=90)
    ended = watch.too_much_memory.wait(float(sys.argv[3]))
    watch.close()
print("ended" if ended else "left alone")
"""


@pytest.mark.parametrize(
    ("program", "seconds", "becomes"),
    [(HIDDEN, 60, "ended"), (ORPHANS, 60, "ended"), (SHARED, 2, "left alone")],
)
def test_pages_are_shared_out_unless_a_process_hides_them(program, seconds, becomes):
    root = os.geteuid() == 0
    backend = "user" if root else "bubblewrap"
    found = sandbox.probe(backend)
    if not found.works or (root and not shutil.which("setpriv")):
        pytest.skip(f"{backend}: {found.reason or 'no setpriv'}")
    command = [sys.executable, "-c", GRADER, backend, program, str(seconds)]
    said = subprocess.run(
        WITHOUT_TRACING + command if root else command, cwd=ROOT, capture_output=True, text=True, timeout=180
    )
    assert said.stdout.strip() == becomes, said
