"""Reads the Python files of a submission in a process of its own, with limits on time and memory.

    read_bounded(tree / "starter/lab4_best_of_n", ["method.py", "evaluate.py", "data.py"])
    # {"method.py": Module(…), …}: `labkit.syntax` of each file

Python's parser takes quadratic time and hundreds of megabytes for some texts, and can crash. A file that ends
the process costs itself; the others are read by the next one. Left out: what the facts mean (`sources.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from labkit import syntax
from labkit.syntax import Module

CPU_SECONDS = 8  # a whole lab takes 0.1
MEMORY_MIB = 1024
ATTEMPTS = 4  # files that end the process; what comes after the last of them is not read


def read_bounded(folder: Path, first: Sequence[str] = ()) -> dict[str, Module]:
    """Every Python file below `folder`, by its path from there; those named in `first` before all others."""
    rest = sorted(syntax.python_files(folder), key=lambda name: (name not in first, name))
    found: dict[str, Module] = {}
    for _ in range(ATTEMPTS):
        for line in _lines(folder, rest[len(found) :]) if len(found) < len(rest) else ():
            fields = json.loads(line)
            fields["imports"] = [tuple(each) for each in fields["imports"]]
            found[rest[len(found)]] = Module(**fields)
        if len(found) < len(rest):
            words = f"Python can't read this file within {CPU_SECONDS} seconds and {MEMORY_MIB} MB"
            found[rest[len(found)]] = Module(words)
    return found | {name: Module("the file was not read") for name in rest[len(found) :]}


def _lines(folder: Path, names: Sequence[str]) -> list[bytes]:
    """What the process wrote about these files, in order, until it ended or was ended."""
    command = [sys.executable, "-I", "-S", syntax.__file__, str(folder), str(CPU_SECONDS), str(MEMORY_MIB)]
    try:
        done = subprocess.run([*command, *names], capture_output=True, timeout=5 * CPU_SECONDS)
        said = done.stdout
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""
    return said.split(b"\n")[:-1]  # the last piece is empty, or cut off
