"""The leak scan: reads a finished student tree and looks for what must not be in it.

    for problem in scan(Path("student"), staff_root()): print(problem)   # file:line: what leaked

- lines of marked regions (code and model answers), unless the same line also stands outside every region;
- names of hidden tests, long names of functions in `grading/hidden/`, and telling constants there: numbers of
  six or more digits, texts of 24 or more characters with a digit (messages to students don't count);
- lines of rubrics and exemplars (`grading/rubrics/`);
- paths into `grading/` or `solutions/`, imports of them, and paths of the machine it was built on.

Short and common lines don't count: a leak is a line that only the solution has. Left out: meaning. A sentence
that explains a solution in other words is for the review to find.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labkit.course import load_course

from .markers import Problem, find_regions

TEXT = {".py", ".ipynb", ".md", ".yaml", ".json", ".jsonl", ".txt", ".toml", ".csv", ".lock", ".jinja", ""}
LONG_LINE, LONG_ANSWER, LONG_TEXT, LONG_NAME = 20, 40, 24, 14
STAFF_PATH = re.compile(r"(?<![\w./-])(grading|solutions)/\w")
STAFF_IMPORT = re.compile(
    r"^\s*(from|import)\s+(grading|solutions)\b|import_module\(\s*f?['\"](grading|solutions)\b"
)
# Homes, and any absolute path of two parts or more below a folder that not every system has.
MACHINE = re.compile(
    r"(?<![\w.])(/home/\w+|/root/\w*|/Users/\w+|/mnt/\w+|[A-Z]:\\\\?Users)"
    r"|(?<![\w./~<>})\]*\\-])(?<!\w`)/(?!(bin|dev|etc|opt|proc|tmp|usr|var)/)\w[\w.-]*/\w"
)
# Each exception needs its reason.
STAFF_ON_PURPOSE = {
    # `pytest --against` serves staff; a release without `grading` answers it with a usage error first.
    "tests/conftest.py": "from grading.stage import",
}
IDIOMS = {
    # What everyone writes who calls these libraries; they tell nothing of the TODO around them.
    "torch.manual_seed(seed)",
    "pad_token_id=tokenizer.pad_token_id,",
    'for question, answer in zip(examples["question"], examples["answer"], strict=True):',
}
SHARED_NAMES = {"make_records"}  # the name by which the released test plugin finds a file's records


@dataclass(frozen=True)
class Secrets:
    """What may not occur, each with where it comes from: whole lines (normalised), words, and texts."""

    lines: dict[str, str]
    names: dict[str, str]
    texts: dict[str, str]


def scan(tree: Path, root: Path) -> list[Problem]:
    """Every leak in the student tree `tree`, with the file (relative to it) and line. root: the project."""
    secrets = collect(root)
    problems: list[Problem] = []
    for path in sorted(path for path in tree.rglob("*") if path.is_file() and path.suffix in TEXT):
        shown = path.relative_to(tree).as_posix()
        if shown == "LICENSE":
            continue
        for number, line in _lines(path):
            problems += [Problem(shown, number, what) for what in _leaks(shown, line, secrets, str(root))]
    return sorted(set(problems))


def _lines(path: Path) -> Iterable[tuple[int, str]]:
    """The lines of a text file; of a notebook those of its cells too, as the reader sees them."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".ipynb":
        for number, cell in enumerate(json.loads(text)["cells"], start=1):
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            yield from ((number, line) for line in source.splitlines())
    yield from enumerate(text.splitlines(), start=1)


def _leaks(shown: str, line: str, secrets: Secrets, root: str) -> list[str]:
    found = []
    origin = secrets.lines.get(normalised(line))
    if origin:
        found.append(f"a line of {origin}: {line.strip()[:60]!r}")
    for word in set(re.findall(r"\w+", line)) & secrets.names.keys():
        found.append(f"{word}, a name of {secrets.names[word]}")
    for text, where in secrets.texts.items():
        if text in line:
            found.append(f"a constant of {where}: {text[:40]!r}")
    if not line.strip().startswith(STAFF_ON_PURPOSE.get(shown, "\0")):
        if STAFF_PATH.search(line):
            found.append(f"a staff path: {STAFF_PATH.search(line)[0]!r}")
        if STAFF_IMPORT.search(line):
            found.append(f"an import of staff code: {line.strip()!r}")
    if MACHINE.search(line) or root in line:
        found.append(f"a path of a machine: {line.strip()[:60]!r}")
    return found


def normalised(line: str) -> str:
    """A line without comment and spaces, so that re-indenting or re-spacing hides nothing."""
    return re.sub(r"\s+", "", re.sub(r"(^|\s)#.*$", "", line))


def collect(root: Path) -> Secrets:
    """Everything that the sources of `root` hold and the release must not."""
    lines: dict[str, str] = {}
    outside = {normalised(line) for line in IDIOMS}
    for lab in load_course(root).labs:
        for path in sorted((root / "solutions" / lab.package).rglob("*.py")):
            text, shown = path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()
            regions, _ = find_regions(text, shown)
            inside: dict[int, tuple[str, bool]] = {}
            for region in regions:
                inside |= {n: (region.id, region.text) for n in range(region.begin, region.end + 1)}
            for number, line in enumerate(text.splitlines(), start=1):
                plain = line.removeprefix("# ") if inside.get(number, ("", False))[1] else line
                key = normalised(plain)
                if number not in inside:
                    outside |= {key, normalised(line.removeprefix("# "))}
                    continue
                item, is_text = inside[number]
                if len(key) >= (LONG_ANSWER if is_text else LONG_LINE) and "SOLUTION" not in key:
                    lines.setdefault(key, f"the solution of {item}")
    for path in sorted((root / "grading" / "rubrics").rglob("*")):
        if path.is_file() and path.suffix in TEXT:
            for line in path.read_text(encoding="utf-8").splitlines():
                if len(normalised(line)) >= LONG_ANSWER:
                    lines.setdefault(normalised(line), "a rubric")
    names, texts = _hidden(root)
    return Secrets({key: where for key, where in lines.items() if key not in outside}, names, texts)


def _hidden(root: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Names of functions and long constants in `grading/hidden/`; words of the course table are free."""
    names: dict[str, str] = {}
    texts: dict[str, str] = {}
    table = set(re.findall(r"\w+", (root / "course.yaml").read_text(encoding="utf-8"))) | SHARED_NAMES
    for path in sorted((root / "grading" / "hidden").rglob("*.py")):
        shown, text = path.name, path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        prose = {id(node) for parent in ast.walk(tree) for node in _words_for_people(parent)}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                telling = node.name.startswith("test_") or (len(node.name) >= LONG_NAME and "_" in node.name)
                if telling and node.name not in table:
                    names[node.name] = shown
            elif isinstance(node, ast.Constant) and id(node) not in prose:
                constant = _telling(node, text)
                if constant:
                    texts[constant] = shown
    return names, texts


def _words_for_people(node: ast.AST) -> list[ast.AST]:
    """Docstrings, messages of asserts, and the words for likely mistakes (keys of dictionaries)."""
    body = getattr(node, "body", None)
    first = body[0] if isinstance(body, list) and body else None
    parts: list[ast.AST | None] = [first.value] if isinstance(first, ast.Expr) else []
    if isinstance(node, ast.Assert):
        parts.append(node.msg)
    elif isinstance(node, ast.Dict):
        parts += node.keys
    elif (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("assert_")
    ):
        parts += node.args[2:]
    return [
        constant
        for part in parts
        if part
        for constant in ast.walk(part)
        if isinstance(constant, ast.Constant)
    ]


def _telling(node: ast.Constant, text: str) -> str | None:
    """A constant's text if it is long enough to be nobody else's."""
    if isinstance(node.value, str):
        telling = len(node.value) >= LONG_TEXT and "\n" not in node.value and re.search(r"\d", node.value)
        return node.value if telling else None
    if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        written = ast.get_source_segment(text, node) or ""
        digits = re.sub(r"[eE].*|[^0-9]", "", written).strip("0")
        return written if len(digits) >= 6 else None
    return None
