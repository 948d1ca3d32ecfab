"""Temporary folders: those of a killed run are cleared by the next, those of a living one are not."""

import os
import subprocess
import sys
import time

from grading.scratch import YOUNG, scratch
from grading.stage import staff_root

HOLD = """
import os, sys, time
from pathlib import Path
from grading.scratch import scratch
with scratch("test-", Path(sys.argv[1])) as folder:
    (folder / "deep").mkdir()
    (folder / "deep" / "method.py").write_text("x = 1")
    os.utime(folder, (1, 1))
    print(folder, flush=True)
    time.sleep(60)
"""


def test_a_killed_runs_folder_is_cleared_by_the_next_and_a_living_ones_is_not(tmp_path):
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)], cwd=staff_root(), stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    killed, living = (holder.stdout.readline().strip() for holder in holders)
    holders[0].kill()
    holders[0].wait()
    with scratch("test-", tmp_path) as folder:
        assert folder.is_dir() and not os.path.exists(killed) and os.path.exists(living)
    holders[1].kill()
    holders[1].wait()
    assert not folder.exists()
    for holder in holders:
        holder.stdout.close()


def test_a_young_folder_and_other_names_stay(tmp_path):
    (tmp_path / "test-young").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "test-file").write_text("")
    os.utime(tmp_path / "test-file", (1, 1))
    assert time.time() - (tmp_path / "test-young").stat().st_mtime < YOUNG
    with scratch("test-", tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"test-young", "other", "test-file"}
