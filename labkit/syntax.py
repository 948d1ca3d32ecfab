"""What Python files say, read from their syntax trees: functions, stubs, imports. Nothing of them runs.

    read(Path("starter/lab4_best_of_n/method.py"))
    # Module(functions={"majority_vote": 31, "best_of_n": 0}, imports=[("", "torch", 3), …])

    python -I labkit/syntax.py FOLDER SECONDS MIB FILE…     # one line of JSON a file; for files of strangers

The program form limits its own CPU time and memory, because Python's parser needs quadratic time for some
texts. Only the standard library is imported. Left out: what the facts mean for a lab (`sources.py`).
"""

from __future__ import annotations

import ast
import codecs
import dataclasses
import io
import json
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ENCODINGS = ("utf-8", "utf-8-sig", "ascii")  # others can take minutes to decode (punycode is quadratic)
MAX_NAME = 200


@dataclass(frozen=True)
class Module:
    """One file. A file that can't be read has a `problem`, in words, at `line`, and nothing else.

    functions: of the top level, with the line of their `raise NotImplementedError("TODO …")`, 0 without one.
    imports: (top-level function or class that imports, "" for the file itself; what; line), each pair once.
        Relative names keep their dots; `from a import b` gives "a" and "a.b".
    """

    problem: str = ""
    line: int = 0
    functions: dict[str, int] = field(default_factory=dict)
    imports: list[tuple[str, str, int]] = field(default_factory=list)


def read(path: Path) -> Module:
    """The facts of one file; whatever it holds, this doesn't raise."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        return Module("the file is missing" if missing else f"the file can't be read: {error.strerror}")
    try:
        named, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        if codecs.lookup(named).name not in ENCODINGS:
            return Module(f"Python can't read this file as it is: save it as UTF-8, not {named[:40]}", 1)
        tree = ast.parse(raw.decode("utf-8-sig"), filename=path.name)
        return _facts(tree)
    except SyntaxError as error:
        return Module(f"Python can't read this file: {str(error.msg)[:MAX_NAME]}", error.lineno or 0)
    except UnicodeDecodeError:
        return Module("Python can't read this file: it is not in UTF-8")
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; absurd nesting
        return Module(f"Python can't read this file: {type(error).__name__}")


def read_folder(folder: Path) -> dict[str, Module]:
    """The facts of every Python file below `folder`, by its path from there."""
    return {name: read(folder / name) for name in python_files(folder)}


def python_files(folder: Path) -> list[str]:
    """The Python files below `folder`, sorted, with `/`."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if path.is_file())


def _facts(tree: ast.Module) -> Module:
    functions, imports = {}, {}
    for statement in tree.body:
        owner = str(getattr(statement, "name", ""))
        if isinstance(statement, ast.FunctionDef):
            functions[owner] = _stub_line(statement)
        for name, line in _imports(statement):
            imports.setdefault((owner, name[:MAX_NAME]), line)
    return Module(functions=functions, imports=[(*key, line) for key, line in imports.items()])


def _stub_line(function: ast.FunctionDef) -> int:
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = getattr(node.exc.func, "id", "")
            said = node.exc.args[0] if node.exc.args else None
            text = said.value if isinstance(said, ast.Constant) else ""
            if name == "NotImplementedError" and str(text).startswith("TODO "):
                return node.lineno
    return 0


def _imports(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """`import trl.trainer`, `from trl import x`, `importlib.import_module("trl")` and `__import__("trl")`."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base, node.lineno
            dot = "" if base.endswith(".") else "."
            yield from ((f"{base}{dot}{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.args[0].value, node.lineno


def main(folder: str, seconds: str, mib: str, *names: str) -> None:
    """The program form: a line for each file as soon as it is read."""
    import resource  # not on Windows, where only `read` is used

    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_AS, (int(mib) * 2**20, int(mib) * 2**20))
    for name in names:
        print(json.dumps(dataclasses.asdict(read(Path(folder) / name))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
