"""Submissions of our own, zipped by the students' `labs submit`: what the demo and the tests hand in.

    path = pack("half", load_course().lab("lab4"), Path("out/half.zip"))

    reference   the solutions and the notebook with the answers in
    untouched   what a student gets
    half        every second TODO done; the others are stubs
    wrong       every function runs and is wrong: the first mutant of each TODO

Left out: hostile ones (`grading/attacks/`).
"""

from __future__ import annotations

from pathlib import Path

from grading.stage import mutants, replace_function, stage
from labkit.course import Lab
from labkit.submit import submit

KINDS = ("reference", "untouched", "half", "wrong")


def half_of(lab: Lab) -> list[str]:
    """Ids of the TODOs that the half-done submission did: the first, the third, …"""
    return [todo.id for todo in lab.todos[::2]]


def pack(kind: str, lab: Lab, out: Path) -> Path:
    """Write the submission of this kind (see above) to `out`, a zip. Raises LabError as staging does."""
    stubs = [todo.id for todo in lab.todos if todo.id not in half_of(lab)] if kind == "half" else []
    implementation = "starter" if kind == "untouched" else "solutions"
    with stage(implementation, [lab.key], stub=stubs, solved_notebooks=kind != "untouched") as tree:
        if kind == "wrong":
            _spoil(tree / "starter" / lab.package, lab)
        out.parent.mkdir(parents=True, exist_ok=True)
        submit(lab.key, out.resolve(), tree)
    return out


def _spoil(folder: Path, lab: Lab) -> None:
    """Put the first mutant of each TODO into its module."""
    spoiled: set[str] = set()
    for mutant in mutants(lab):
        if mutant.todo not in spoiled:
            function = next(todo.function for todo in lab.todos if todo.id == mutant.todo)
            module = folder / mutant.file
            text = replace_function(module.read_text(encoding="utf-8"), function, mutant.source)
            module.write_text(text, encoding="utf-8")
            spoiled.add(mutant.todo)
