"""The staff's notebook with a student's answers in it: what will run, and what a person will read.

    merged = merge(staff_bytes, student_bytes, lab)
    merged.cells      # ({"kind": "answer", "id": "4.V1", "variable": "tie_share", "source": "…"}, …)
    merged.written    # {"4.W1": "I expected …"}
    merged.notes      # ("cell 4.V2 occurs 3 times; the first one counts", …)

Nothing of a student's notebook is taken but the source of its answer cells, found by grade id or cell id:
deleted, duplicated, retyped and re-pointed cells are repaired with a note, and a file that is no notebook is
an empty one. Cells that are tagged neither set-up nor graded (the experiments) never run.

Source: nbformat 4.5, nbgrader's metadata schema 3. Left out: running it (`notebook.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from labkit.course import Lab, item_id
from labkit.errors import LabError

MAX_NOTEBOOK = 64 * 2**20  # bytes; with plots a lab's notebook has about 2 MB
MAX_CELL = 50_000  # characters of one answer: a thousand lines


@dataclass(frozen=True)
class Merged:
    """What to run and what to show: cells in order, written answers by id, why answers are missing, notes."""

    cells: tuple[dict[str, str], ...]
    written: Mapping[str, str]
    missing: Mapping[str, str]
    notes: tuple[str, ...]


def merge(staff: bytes, student: bytes | None, lab: Lab) -> Merged:
    """The cells of the staff's notebook, tagged set-up, answer and test, with the student's answers put in.

    Never fails on the student's file. Raises LabError: the staff's own notebook lacks a graded cell.
    """
    notes: list[str] = []
    theirs = _cells_of(student, notes) if student is not None else []
    if student is None:
        notes.append("there is no notebook in the submission")
    ours = json.loads(staff)["cells"]
    variables = {value.id: value.variable for value in lab.values}
    questions = {question.id for question in lab.written}
    cells, written, missing = [], {}, {}
    for cell in ours:
        graded = _item(cell)
        tags = cell["metadata"].get("tags", [])
        source = _text(cell["source"])
        if "setup" in tags:
            cells.append({"kind": "setup", "id": "set-up", "source": source})
        elif "inject" in tags:
            cells.append({"kind": "setup", "id": "records", "source": ""})
        elif graded in variables:
            answer = _answer(theirs, cell, notes)
            if answer is None:
                missing[graded] = f"The answer cell {graded} is not in your notebook"
            else:
                answer_cell = {"kind": "answer", "id": graded, "variable": variables[graded]}
                cells.append({**answer_cell, "source": answer})
        elif graded.removesuffix("-test") in variables:
            _compare_test(theirs, cell, notes)
            cells.append({"kind": "test", "id": graded.removesuffix("-test"), "source": source})
        elif graded in questions:
            answer = _answer(theirs, cell, notes) or ""
            written[graded] = "" if answer.strip() == source.strip() else answer
    found = {cell["id"] for cell in cells if cell["kind"] == "answer"} | set(missing) | set(written)
    absent = (set(variables) | questions) - found
    if absent:
        raise LabError(f"cells {', '.join(sorted(absent))}", "none", lab.notebook, "grading build")
    return Merged(tuple(cells), written, missing, tuple(notes))


def _cells_of(student: bytes, notes: list[str]) -> list[dict]:
    """The cells of the student's file, those that are cells at all; [] with a note for anything else."""
    if len(student) > MAX_NOTEBOOK:
        notes.append(f"the notebook is larger than {MAX_NOTEBOOK // 2**20} MB and was not read")
        return []
    try:
        cells = json.loads(student.decode("utf-8-sig"))["cells"]
    except (ValueError, RecursionError):
        notes.append("the notebook is not valid JSON: open it in JupyterLab, save it and submit again")
        return []
    except (KeyError, TypeError):
        notes.append("the notebook has no cells of nbformat 4: save it with a current JupyterLab")
        return []
    if not isinstance(cells, list):
        notes.append("the notebook's cells are no list: save it again with JupyterLab")
        return []
    good = [cell for cell in cells if isinstance(cell, dict) and _text(cell.get("source")) is not None]
    if len(good) < len(cells):
        notes.append(f"{len(cells) - len(good)} cells of the notebook are malformed and were not read")
    return good


def _text(source: object) -> str | None:
    """A cell's source as one string; nbformat allows a string or a list of strings."""
    if isinstance(source, str):
        return source
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return None


def _nbgrader(cell: dict) -> dict:
    """A cell's grading metadata, whatever a student made of it: a dict."""
    metadata = cell.get("metadata")
    grading = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return grading if isinstance(grading, dict) else {}


def _item(cell: dict) -> str:
    """ "4.V1" or "4.V1-test": the course's id of a graded cell; "" for any other."""
    grade_id = _nbgrader(cell).get("grade_id")
    return item_id(grade_id) if isinstance(grade_id, str) else ""


def _matching(theirs: list[dict], ours: dict) -> list[dict]:
    """The student's cells with our cell's grade id; without any, those with its cell id."""
    found = [cell for cell in theirs if _item(cell) == _item(ours)]
    return found or [cell for cell in theirs if cell.get("id") == ours["id"]]


def _answer(theirs: list[dict], ours: dict, notes: list[str]) -> str | None:
    """The source that the student put into this answer cell, or None; what was wrong goes into the notes."""
    name = f"cell {_item(ours)}"
    found = _matching(theirs, ours)
    if not found:
        if theirs:
            notes.append(f"{name} was deleted; it counts as empty")
        return None
    if len(found) > 1:
        notes.append(f"{name} occurs {len(found)} times; the first one counts")
    cell = found[0]
    if cell.get("cell_type") != ours["cell_type"]:
        notes.append(f"the type of {name} was changed; it was read as {ours['cell_type']}")
    if _nbgrader(cell) != ours["metadata"]["nbgrader"]:
        notes.append(f"the grading metadata of {name} was changed; ours counts")
    source = _text(cell["source"])
    if len(source) > MAX_CELL:
        notes.append(f"{name} is longer than {MAX_CELL:,} characters and was not read")
        return None
    whole = source.encode("utf-8", "replace").decode()
    if whole != source:
        notes.append(f"{name} holds half of a character, which is no text; it was read as '?'")
    return whole


def _compare_test(theirs: list[dict], ours: dict, notes: list[str]) -> None:
    name = f"test cell {_item(ours)}"
    found = _matching(theirs, ours)
    if theirs and not found:
        notes.append(f"{name} was deleted; ours ran")
    elif found and (
        _text(found[0]["source"]).strip() != _text(ours["source"]).strip()
        or _nbgrader(found[0]) != ours["metadata"]["nbgrader"]
    ):
        notes.append(f"{name} was changed; ours ran")
