"""The box itself: what the code inside sees of this machine."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grading import confine, sandbox


def test_a_checkout_below_tmp_is_not_hidden_by_the_boxs_own_folder_for_temporary_files(monkeypatch):
    if not sandbox.probe("bubblewrap").works:
        pytest.skip("no bubblewrap")
    system = sandbox.system_paths
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        bound = Path(folder, "bound")
        bound.mkdir()
        os.chmod(folder, 0o755)
        (bound / "there.txt").write_text("seen")
        monkeypatch.setattr(sandbox, "system_paths", lambda python: [*system(python), str(bound)])
        program = "import os, pathlib, sys, tempfile\n"
        program += f"print(pathlib.Path({str(bound)!r}, 'there.txt').read_text())\n"
        program += "print(os.path.dirname(tempfile.NamedTemporaryFile(delete=False).name))\n"
        program += "try: pathlib.Path('/tmp/x').write_text('')\nexcept OSError: print('closed')\n"
        with sandbox.Box("bubblewrap") as box:
            process = box.popen([box.python, "-I", "-S", "-c", program], stdout=subprocess.PIPE)
            assert process.communicate(timeout=60)[0].decode().split() == ["seen", box.tmp, "closed"]


def test_a_test_that_ends_before_its_child_gave_up_root_is_ended_all_the_same():
    """The killer of the worker's user does not find such a child; waiting for it would take for ever."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give it up")
    program = (
        "import os, time\n"
        "from grading import confine, worker\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    time.sleep(100)\n"
        f"what = confine.Confinement(uid={confine.FIRST_UID + 900})\n"
        "print(worker._end_all({'own_namespace': False}, what, child)['signal'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("9\n", "")
