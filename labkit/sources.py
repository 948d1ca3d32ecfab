"""What a submission's source says before it runs: unwritten TODOs, and imports that would be the answer.

Example:
    unfinished(Path("starter/lab4_best_of_n"), lab)         # [Finding("4.7", "method.py", 31, "…")]

Reads the syntax tree only; no student code runs. Left out: what a file does when it runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .course import Lab, Todo


@dataclass(frozen=True)
class Finding:
    """Something to tell the student about one TODO (`todo` is "" for a whole file)."""

    todo: str
    file: str
    line: int
    words: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.words}"


def unfinished(folder: Path, lab: Lab) -> list[Finding]:
    """TODOs whose function is missing or a stub, and files that don't parse."""
    findings = []
    for file, todos in _by_file(lab).items():
        tree = _parse(folder / file)
        if isinstance(tree, Finding):
            findings.append(tree)
            continue
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for todo in todos:
            function = functions.get(todo.function)
            if function is None:
                findings.append(
                    Finding(todo.id, file, 1, f"TODO {todo.id}: there is no function {todo.function}")
                )
                continue
            line = _stub_line(function)
            if line:
                words = f"TODO {todo.id} {todo.function} is not written yet"
                findings.append(Finding(todo.id, file, line, words))
    return findings


def forbidden_imports(folder: Path, lab: Lab) -> list[Finding]:
    """Imports that `course.yaml` forbids for a TODO: at the top of its file, or in its function.

    `import trl.trainer` and `importlib.import_module("trl")` count as `trl`. `unfinished` reports files that
    don't parse.
    """
    findings = []
    for file, todos in _by_file(lab).items():
        tree = _parse(folder / file)
        if isinstance(tree, Finding):
            continue
        owners = {todo.function: todo for todo in todos}
        for statement in tree.body:
            owner = owners.get(getattr(statement, "name", ""))
            for name, line in _imports(statement):
                for todo in [owner] if owner else todos:
                    if name.split(".")[0] in todo.forbidden:
                        words = f"TODO {todo.id} is to be written without {name.split('.')[0]}"
                        findings.append(Finding(todo.id, file, line, words))
    return findings


def _by_file(lab: Lab) -> dict[str, list[Todo]]:
    files: dict[str, list[Todo]] = {}
    for todo in lab.todos:
        files.setdefault(todo.file, []).append(todo)
    return files


def _parse(path: Path) -> ast.Module | Finding:
    if not path.is_file():
        return Finding("", path.name, 0, "the file is missing")
    try:
        return ast.parse(path.read_bytes(), filename=path.name)
    except SyntaxError as error:
        return Finding("", path.name, error.lineno or 0, f"Python can't read this file: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; absurd nesting
        return Finding("", path.name, 0, f"Python can't read this file: {type(error).__name__}")


def _stub_line(function: ast.FunctionDef) -> int | None:
    """The line of a `raise NotImplementedError("TODO …")` in the function, None when there is none."""
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = getattr(node.exc.func, "id", "")
            said = node.exc.args[0] if node.exc.args else None
            text = said.value if isinstance(said, ast.Constant) else ""
            if name == "NotImplementedError" and str(text).startswith("TODO "):
                return node.lineno
    return None


def _imports(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.args[0].value, node.lineno
