"""Several gradings on one machine: ending one submission's processes leaves every other grading alone."""

import os
import subprocess
import sys

import pytest

from grading import confine

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root drops to other users"
)


def sleeper(uid):
    def become():
        os.setgroups([])
        os.setresuid(uid, uid, uid)

    return subprocess.Popen(["/bin/sleep", "60"], preexec_fn=become)


def test_killers_of_different_users_do_not_kill_each_other():
    users = range(confine.FIRST_UID + 190, confine.FIRST_UID + 196)  # the last that a box would take
    for _ in range(5):
        sleepers = [sleeper(uid) for uid in users]
        command = [sys.executable, "-I", "-S", confine.__file__, "--kill"]
        killers = [subprocess.Popen([*command, str(uid)]) for uid in users]
        assert [killer.wait(timeout=30) for killer in killers] == [0] * len(users)
        assert [process.wait(timeout=30) for process in sleepers] == [-9] * len(users)
