"""Clearing up after a student's code: everything goes, nothing raises, nothing else is touched."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from grading import clearing, sandbox, system

LEFT = """
import os, sys
os.chdir(sys.argv[1])
os.makedirs("closed/inside")
open("closed/inside/file", "w").close()
os.symlink("/etc", "link")
os.symlink("nowhere", "closed/broken")
os.mkfifo("pipe")
for n in range(1200):
    os.mkdir("deeper")
    open("file", "w").close()
    if n % 400 == 399:
        os.chmod(".", 0o500)
    os.chdir("deeper")
os.chdir(sys.argv[1])
os.chmod("closed/inside", 0)
os.chmod("closed", 0)
os.chmod(".", 0)
"""


@pytest.fixture(params=["this user", "another user"])
def run(request):
    """Runs a program as the user who tests, or as an ordinary one."""
    python = system.python_for_others()
    other = request.param == "another user"
    if other and (os.geteuid() != 0 or python is None):
        pytest.skip("only root can become another user")

    def run_program(text: str, *words: str) -> None:
        command = [python or "python3", "-I", "-S", "-c", text, *words]
        subprocess.run(command, check=True, user=65534 if other else None, timeout=60, cwd="/")

    return run_program


@pytest.fixture
def folder():
    """A folder that every user may fill, in a place that every user may enter."""
    with tempfile.TemporaryDirectory() as above:
        os.chmod(above, 0o777)
        yield Path(above)


def test_deep_and_closed_folders_go(run, folder):
    source = Path(clearing.__file__).read_text()
    for call in ("remove", "empty"):
        place = folder / call
        run("import os, sys; os.mkdir(sys.argv[1])", str(place))
        run(LEFT, str(place))
        run(f"{source}\nimport sys\n{call}(sys.argv[1])", str(place))
        assert place.exists() == (call == "empty")
        assert not place.exists() or not list(place.iterdir())


@pytest.mark.parametrize("backend", ["bubblewrap", "user", "limits"])
def test_a_box_closes_whatever_its_code_left(backend):
    if not sandbox.probe(backend).works:
        pytest.skip(sandbox.probe(backend).reason)
    with sandbox.Box(backend, writable=("work",)) as box:
        process = box.popen([box.python, "-I", "-S", "-c", LEFT, box.path("work")])
        assert process.wait(timeout=120) == 0
    assert not box.root.exists()


def test_only_one_users_files_go(folder):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for name, uid in (("theirs", 65534), ("ours", 0), ("theirs_too", 65534)):
        (folder / name).mkdir()
        os.chown(folder / name, uid, uid)
    (folder / "theirs" / "ours_inside").write_text("x")
    clearing.remove_files_of(65534, [str(folder), str(folder / "missing")])
    assert [path.name for path in folder.iterdir()] == ["ours"]


def test_what_is_gone_already_is_no_error(folder, monkeypatch):
    """Others use /tmp at the same time: a file may go between the listing and the look at it."""
    real = os.listdir
    monkeypatch.setattr(clearing.os, "listdir", lambda path: [*real(path), "vanished"])
    (folder / "file").write_text("x")
    clearing.remove_files_of(os.geteuid(), [str(folder)])
    clearing.remove(folder / "missing")
    clearing.empty(folder / "missing")
    assert real(folder) == []
