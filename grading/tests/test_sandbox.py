"""The box itself: what the code inside sees of this machine."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from grading import sandbox


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
