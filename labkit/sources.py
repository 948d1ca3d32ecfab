"""What a submission's source says before it runs: unwritten TODOs, and imports that would be the answer.

Example:
    unfinished(Path("starter/lab4_best_of_n"), lab)         # [Finding("4.7", "method.py", 31, "…")]

Works on what `syntax.py` reads; no student code runs. Left out: what a file does when it runs (an import by
`exec` is met in the grader's worker).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .course import Lab, Todo
from .syntax import Module, read_folder

MISSING = Module("the file is missing")


@dataclass(frozen=True)
class Finding:
    """Something to tell the student about one TODO (`todo` is "" for a whole file).

    kind: "unwritten", "missing" (file or function), "syntax" or "forbidden".
    """

    todo: str
    file: str
    line: int
    words: str
    kind: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.words}"


def unfinished(folder: Path, lab: Lab, modules: Mapping[str, Module] | None = None) -> list[Finding]:
    """TODOs whose function is missing or a stub, and files that don't parse.

    modules: what `syntax.read_folder(folder)` says, where it is known already.
    """
    modules = read_folder(folder) if modules is None else modules
    findings = []
    for file, todos in _by_file(lab).items():
        module = modules.get(file, MISSING)
        if module.problem:
            kind = "missing" if file not in modules else "syntax"
            findings.append(Finding("", file, module.line, module.problem, kind))
            continue
        for todo in todos:
            line = module.functions.get(todo.function)
            if line is None:
                words = f"TODO {todo.id}: there is no function {todo.function}"
                findings.append(Finding(todo.id, file, 1, words, "missing"))
            elif line:
                words = f"TODO {todo.id} {todo.function} is not written yet"
                findings.append(Finding(todo.id, file, line, words, "unwritten"))
    return findings


def forbidden_imports(folder: Path, lab: Lab, modules: Mapping[str, Module] | None = None) -> list[Finding]:
    """Imports that `course.yaml` forbids for a TODO: at the top of its file, in its function, or in a file of
    the lab that one of these imports, directly or not.

    `import trl.trainer` and `importlib.import_module("trl")` count as `trl`. `unfinished` reports files that
    don't parse. modules: as for `unfinished`.
    """
    modules = read_folder(folder) if modules is None else modules
    findings = []
    for todo in lab.todos:
        for file, name, line in _reached(todo, lab, modules):
            top = name.split(".")[0]
            if top in todo.forbidden:
                words = f"TODO {todo.id} is to be written without {top}"
                findings.append(Finding(todo.id, file, line, words, "forbidden"))
    return list(dict.fromkeys(findings))


def _reached(todo: Todo, lab: Lab, modules: Mapping[str, Module]) -> Iterator[tuple[str, str, int]]:
    """(file, imported name, line) of what runs for this TODO; nothing from inside other TODOs' functions."""
    others = {(each.file, each.function) for each in lab.todos if each.id != todo.id}
    queue, seen = [todo.file, "__init__.py"], {todo.file, "__init__.py"}
    while queue:
        file = queue.pop(0)
        for owner, name, line in modules.get(file, MISSING).imports:
            if (file, owner) in others:
                continue
            yield file, name, line
            for inner in _files_of(name, file, lab):
                if inner in modules and inner not in seen:
                    seen.add(inner)
                    queue.append(inner)


def _files_of(name: str, file: str, lab: Lab) -> list[str]:
    """The files of the lab that `import name`, standing in `file`, may run: the module and its packages."""
    own = f"starter.{lab.package}."
    if name.startswith("."):
        level = len(name) - len(name.lstrip("."))
        folder = list(Path(file).parent.parts)
        if level - 1 > len(folder):
            return []
        parts = [*folder[: len(folder) - level + 1], *name.lstrip(".").split(".")]
    elif name.startswith(own):
        parts = name.removeprefix(own).split(".")
    else:
        return []
    paths = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return [candidate for path in paths for candidate in (f"{path}.py", f"{path}/__init__.py")]


def _by_file(lab: Lab) -> dict[str, list[Todo]]:
    files: dict[str, list[Todo]] = {}
    for todo in lab.todos:
        files.setdefault(todo.file, []).append(todo)
    return files
