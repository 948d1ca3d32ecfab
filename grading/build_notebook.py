"""`solutions/<package>/lab.py` (jupytext percent format) → a notebook, in three forms of the same cells.

    student_notebook(lab, text, path)     # notebooks/…: stubs in the answer cells, cards, no outputs
    solved_notebook(lab, text, path)      # lectures and `make verify`: the answers in place
    nbgrader_notebook(lab, text, path)    # nbgrader's source: answers between its own markers

What the author writes on a cell, and what it becomes (ids as in course.yaml):

    # %% [markdown] card="all"       a table of all TODOs under the cell's own text
    # %% [markdown] card="4.7"       that TODO's card, generated; the cell's body is ignored
    # %% answer="4.V1"               answer cell, nbgrader grade_id "4-V1" (solution, not locked)
    # %% test="4.V1"                 test cell, grade_id "4-V1-test" (grade, locked, the points of 4.V1)
    # %% [markdown] written="4.W1"   written answer, grade_id "4-W1" (grade and solution: marked by a person)
    # %% tags=["setup"]              cells that the grader runs: tags "setup" and "inject" (loads `records`)
    # %% tags=["experiment"]         expensive cells, which the grader never runs

In any cell `{{release_url}}` becomes the course's own.

Every cell id is the grade id (nbgrader allows no dots), the card's ("card-4-7"), the tag of
a set-up cell ("setup", "inject"), or made from the cell's first words; so the grader finds cells by id,
and the same source gives the same bytes. The grading metadata is nbgrader's schema 3.

Left out: what makes a cell wrong (lengths, order, missing tests): `grading/lint.py`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from labkit.course import Lab, Todo, grade_id, load_course
from labkit.submit import UNWRITTEN

from .build import fences
from .markers import Problem, Region, SourceError, replace_regions

AUTHOR_KEYS = ("answer", "test", "written", "card")
JUPYTEXT_KEYS = {"lines_to_next_cell", "lines_to_end_of_cell_marker"}  # its own notes on blank lines
STAGE_TAGS = ("setup", "inject")
RELEASE_URL = "{{release_url}}"  # in a cell's text: the address in course.yaml
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
Replacement = Callable[[Region, list[str]], list[str]]


@dataclass(frozen=True)
class Cell:
    """One cell of `lab.py`: where it starts, its kind, its text and what the author wrote on it."""

    line: int
    type: str
    source: str
    keys: dict[str, str]
    tags: tuple[str, ...]


def read_cells(text: str, path: str | Path) -> list[Cell]:
    """The cells of a percent notebook with the line of each `# %%`.

    Raises SourceError: text before the first cell, an unknown key, or jupytext can't read it.
    """
    starts = [
        number for number, line in enumerate(text.splitlines(), start=1) if re.match(r"# %%(\s|$)", line)
    ]
    try:
        parsed = jupytext.reads(text, fmt="py:percent")
    except Exception as error:  # jupytext and nbformat raise many kinds
        raise SourceError(
            [Problem(str(path), 1, f"jupytext can't read it: {error}".splitlines()[0])]
        ) from error
    if len(parsed.cells) != len(starts):
        raise SourceError([Problem(str(path), 1, "text before the first '# %%' cell: put it into a cell")])
    cells, problems = [], []
    for line, cell in zip(starts, parsed.cells, strict=True):
        metadata = dict(cell.metadata)
        tags = tuple(metadata.pop("tags", ()))
        metadata = {key: value for key, value in metadata.items() if key not in JUPYTEXT_KEYS}
        unknown = set(metadata) - set(AUTHOR_KEYS)
        if unknown:
            known = ", ".join(AUTHOR_KEYS)
            problems.append(
                Problem(str(path), line, f"cell key {', '.join(sorted(unknown))}: known are {known}, tags")
            )
        keys = {key: str(value) for key, value in metadata.items() if key in AUTHOR_KEYS}
        if len(keys) > 1:
            problems.append(Problem(str(path), line, f"a cell is one of {', '.join(sorted(keys))}, not both"))
        cells.append(Cell(line, cell.cell_type, cell.source, keys, tags))
    if problems:
        raise SourceError(problems)
    return cells


def student_notebook(lab: Lab, text: str, path: str | Path, release_url: str = "") -> NotebookNode:
    """The released notebook: every region replaced by its stub. Raises SourceError."""
    return _notebook(lab, text, path, lambda region, _body: answer_stub(lab, region), release_url)


def solved_notebook(lab: Lab, text: str, path: str | Path, release_url: str = "") -> NotebookNode:
    """The same notebook with the author's answers. Raises SourceError."""

    def answers(region: Region, body: list[str]) -> list[str]:
        begin, end = fences(region.id)
        return body if region.text else [begin, *body, end]

    return _notebook(lab, text, path, answers, release_url)


def nbgrader_notebook(lab: Lab, text: str, path: str | Path, release_url: str = "") -> NotebookNode:
    """The same notebook as nbgrader's source version, regions between its `### BEGIN SOLUTION` lines."""

    def marked(region: Region, body: list[str]) -> list[str]:
        inner = ["### BEGIN SOLUTION", *body, "### END SOLUTION"]
        begin, end = fences(region.id)
        return inner if region.text else [begin, *inner, end]

    return _notebook(lab, text, path, marked, release_url)


def answer_stub(lab: Lab, region: Region) -> list[str]:
    """What a student finds in the place of a region of the notebook."""
    if region.text:
        return [UNWRITTEN]
    begin, end = fences(region.id)
    return [begin, stub_line(lab, region.id), end]


def stub_line(lab: Lab, value_id: str) -> str:
    """The line that raises in an unanswered cell, with the cell's own id."""
    name = next((value.variable for value in lab.values if value.id == value_id), "?")
    return f'raise NotImplementedError("TODO {value_id} {name}: compute it in this cell")'


def _notebook(
    lab: Lab, text: str, path: str | Path, replacement: Replacement, release_url: str = ""
) -> NotebookNode:
    # Cells are cut first and stripped one by one, so a region can't run from one cell into the next.
    seen: dict[str, int] = {}
    made = []
    for cell in read_cells(text, path):
        source = _cell_source(lab, cell, path, replacement).replace(RELEASE_URL, release_url)
        metadata = {"tags": list(cell.tags)} if cell.tags else {}
        grading = grading_metadata(lab, cell)
        if grading:
            metadata["nbgrader"] = grading
            metadata |= _locks(grading)
        new = nbformat.v4.new_code_cell if cell.type == "code" else nbformat.v4.new_markdown_cell
        made.append(new(source, metadata=metadata, id=_unique(cell_id(cell), seen)))
    notebook = nbformat.v4.new_notebook(cells=made, metadata=METADATA)
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return notebook


def _cell_source(lab: Lab, cell: Cell, path: str | Path, replacement: Replacement) -> str:
    card = cell.keys.get("card")
    if card == "all":
        return f"{cell.source.rstrip()}\n\n{title_table(lab)}".lstrip("\n")
    if card:
        todo = next((todo for todo in lab.todos if todo.id == card), None)
        if todo is None:
            raise SourceError([Problem(str(path), cell.line, f"card {card} is no TODO of {lab.key}")])
        return todo_card(lab, todo)
    try:
        source = cell.source.replace("{{release_url}}", lab.release_url)
        return replace_regions(source, path, replacement).rstrip("\n")
    except SourceError as error:
        moved = [Problem(p.path, p.line + cell.line, p.message) for p in error.problems]
        raise SourceError(moved) from None


def grading_metadata(lab: Lab, cell: Cell) -> dict:
    """nbgrader's schema 3 for an answer, test or written cell; {} for any other."""
    answer, test, written = (cell.keys.get(key) for key in ("answer", "test", "written"))
    if not (answer or test or written):
        return {}
    points = {item.id: item.points for item in (*lab.values, *lab.written)}
    metadata = {
        "cell_type": cell.type,
        "grade": not answer,
        "grade_id": cell_id(cell),
        "locked": bool(test),
        "schema_version": 3,
        "solution": not test,
        "task": False,
    }
    if test or written:
        value = points.get(test or written, 0)
        metadata["points"] = int(value) if float(value).is_integer() else value
    return metadata


def _locks(grading: dict) -> dict:
    """The flags that JupyterLab honours, as nbgrader's LockCells sets them."""
    return {"deletable": False} if grading["solution"] else {"deletable": False, "editable": False}


def cell_id(cell: Cell) -> str:
    """A stable id: from the grade id, the card or the set-up tag, else from the first words."""
    for key, form in (("answer", "{}"), ("test", "{}-test"), ("written", "{}"), ("card", "card-{}")):
        if key in cell.keys:
            return grade_id(form.format(cell.keys[key]))
    for tag in STAGE_TAGS:
        if tag in cell.tags:
            return tag
    words = re.findall(r"[a-z0-9]+", cell.source.lower())
    return "-".join(words)[:40].strip("-") or "cell"


def _unique(name: str, seen: dict[str, int]) -> str:
    seen[name] = seen.get(name, 0) + 1
    return name if seen[name] == 1 else _unique(f"{name}-{seen[name]}", seen)


# ---- cards, from course.yaml ----


def dots(number: int) -> str:
    """3 → ●●●○○"""
    return "●" * number + "○" * (5 - number)


def title_table(lab: Lab) -> str:
    """All TODOs and graded cells of the lab: id, title, where, points, minutes, difficulty, importance."""
    rows = [
        "| | | where | points | minutes | difficulty | importance |",
        "|---|---|---|---:|---:|---|---|",
    ]
    for todo in lab.todos:
        rows.append(
            f"| {todo.id} | {todo.title} | `{todo.file}` | {todo.points:g} | {todo.minutes} "
            f"| {dots(todo.difficulty)} | {dots(todo.importance)} |"
        )
    for item, what in [
        *((v, "this notebook") for v in lab.values),
        *((w, "this notebook, in words") for w in lab.written),
    ]:
        rows.append(f"| {item.id} | {item.title} | {what} | {item.points:g} | | | |")
    points = sum(item.points for item in lab.items)
    minutes = sum(todo.minutes for todo in lab.todos)
    rows.append(f"| | **together** | | **{points:g}** | **{minutes}** | | |")
    return "\n".join(rows)


def todo_card(lab: Lab, todo: Todo) -> str:
    """The card of one TODO: where to write, what it is worth, and how to check it."""
    return "\n".join(
        [
            f"| TODO {todo.id} | `{todo.function}` in `starter/{lab.package}/{todo.file}` |",
            "|---|---|",
            f"| difficulty | {dots(todo.difficulty)} |",
            f"| importance | {dots(todo.importance)} |",
            f"| time, points | {todo.minutes} minutes, {todo.points:g} points |",
            *(
                [f"| without | {', '.join(f'`{name}`' for name in todo.forbidden)} |"]
                if todo.forbidden
                else []
            ),
            f'| check it | `check("{todo.id}")` |',
        ]
    )


# ---- writing ----


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write it as nbformat 4.5, keys sorted, with one newline at the end; the file is replaced whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = nbformat.writes(notebook, version=4).rstrip("\n") + "\n"
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, delete=False, encoding="utf-8", newline="\n"
    ) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def write_solved(lab: Lab, root: Path, path: Path) -> None:
    """The solved notebook of `lab` to `path`; nothing if it has no lab.py. Raises SourceError."""
    source = root / "solutions" / lab.package / "lab.py"
    if source.is_file():
        url = load_course(root).release_url
        write_notebook(solved_notebook(lab, source.read_text(encoding="utf-8"), source.name, url), path)
