"""The course table: `course.yaml` as typed, frozen records.

Example:
    course = load_course()
    course.lab("lab4").notebook           # 'notebooks/lab4_best_of_n.ipynb'
    course.todo("4.10").function          # 'weighted_vote'
    course.todo_ids("lab4")               # ['4.1', '4.2', …, '4.9', '4.10', …]

Everything that names a lab, a TODO, its points or its minutes reads them here; nothing else stores them.
Left out: the content of the labs (their modules) and the hidden tests' points per test (the tests' markers).
"""

from __future__ import annotations

import datetime
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import LabError, close_matches

Visibility = Literal["visible", "hidden", "after_due_date", "after_published"]


def id_key(item_id: str) -> tuple:
    """Sort key of "4.2" < "4.10" < "4.V1" < "4.W1"."""
    lab, _, rest = item_id.partition(".")
    letters, digits = re.match(r"(\D*)(\d*)", rest).groups()
    return (int(lab) if lab.isdigit() else 0, letters, int(digits or 0))


def grade_id(item_id: str) -> str:
    """ "4-V1" for "4.V1": nbgrader's cell names allow letters, digits, hyphens and underscores, no dots."""
    return item_id.replace(".", "-")


def item_id(grade_id: str) -> str:
    """ "4.V1" for "4-V1" and "4.V1-test" for "4-V1-test": the reverse of `grade_id`; a dotted one stays."""
    return re.sub(r"^(\d+)-", r"\1.", grade_id)


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Todo(_Record):
    """One function for the student to write. `points` counts in the 70 for modules, `minutes` is a guess."""

    id: str = Field(pattern=r"^\d+\.\d+$")
    file: str
    function: str
    title: str
    points: float = Field(gt=0)
    minutes: int = Field(gt=0)
    difficulty: int = Field(ge=1, le=5)
    importance: int = Field(ge=1, le=5)
    section: int = Field(ge=1)
    forbidden: tuple[str, ...] = ()
    visibility: Visibility | None = None
    lab: str = ""

    @property
    def module(self) -> str:
        """`method` for `method.py`."""
        return self.file.removesuffix(".py")


class Value(_Record):
    """A number that the student's notebook computes on small records; `variable` is its name there."""

    id: str = Field(pattern=r"^\d+\.V\d+$")
    variable: str
    title: str
    points: float = Field(gt=0)
    visibility: Visibility | None = None
    lab: str = ""


class Written(_Record):
    """A question that a person grades with a rubric."""

    id: str = Field(pattern=r"^\d+\.W\d+$")
    title: str
    points: float = Field(gt=0)
    visibility: Visibility | None = None
    lab: str = ""


class Points(_Record):
    modules: float
    values: float
    written: float


class Lab(_Record):
    """One lab: its package under `starter/`, its TODOs in the order of their ids, its graded cells."""

    key: str
    package: str
    title: str
    due: datetime.datetime | datetime.date | None = None
    callable: tuple[str, ...] = ()
    todos: tuple[Todo, ...] = ()
    values: tuple[Value, ...] = ()
    written: tuple[Written, ...] = ()
    visibility: Visibility = "visible"
    release_url: str = ""  # the course's; here because each lab's set-up cell names it

    @property
    def number(self) -> str:
        """ "4" for "lab4": the first part of every id."""
        return self.key.removeprefix("lab")

    @property
    def notebook(self) -> str:
        return f"notebooks/{self.package}.ipynb"

    @property
    def tests(self) -> str:
        return f"tests/test_{self.package}.py"

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules of this lab that tests may call into: those of the TODOs and of `callable`."""
        names = [todo.module for todo in self.todos] + [name.split(".")[0] for name in self.callable]
        return tuple(dict.fromkeys(names))

    @property
    def allowed_calls(self) -> frozenset[str]:
        """`module.function` names that tests (and the grader's worker) may call: TODOs and `callable`."""
        return frozenset(f"{todo.module}.{todo.function}" for todo in self.todos) | frozenset(self.callable)

    @property
    def items(self) -> tuple[Todo | Value | Written, ...]:
        return (*self.todos, *self.values, *self.written)

    def visibility_of(self, item: Todo | Value | Written) -> Visibility:
        return item.visibility or self.visibility


class Course(_Record):
    title: str
    release: str
    release_url: str
    points: Points
    visibility: Visibility = "visible"
    labs: tuple[Lab, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Course:
        seen: set[str] = set()
        for lab in self.labs:
            for item in lab.items:
                if item.id in seen:
                    raise ValueError(f"{item.id} is listed twice")
                seen.add(item.id)
                if item.id.split(".")[0] != lab.number:
                    raise ValueError(f"{item.id} is listed under {lab.key}")
            for kind, want in (("todos", "modules"), ("values", "values"), ("written", "written")):
                total, target = sum(item.points for item in getattr(lab, kind)), getattr(self.points, want)
                if total != target:
                    raise ValueError(
                        f"{lab.key}: the points of its {kind} add up to {total:g}, not {target:g}"
                    )
        return self

    def lab(self, name: str) -> Lab:
        """The lab called `name`: its key ("lab4"), its number ("4") or its package ("lab4_best_of_n").

        Raises LabError: no such lab; the message lists near names.
        """
        wanted = str(name).strip().lower()
        for lab in self.labs:
            if wanted in (lab.key, lab.number, lab.package):
                return lab
        keys = [lab.key for lab in self.labs]
        raise LabError("a lab of this course", f"{name!r}; {close_matches(wanted, keys)}", "course.yaml")

    def item(self, item_id: str) -> Todo | Value | Written:
        """The TODO, notebook value or written question with this id. Raises LabError: unknown id."""
        for lab in self.labs:
            for item in lab.items:
                if item.id.lower() == str(item_id).strip().lower():
                    return item
        named = re.match(r"(?:todo|lab)?\s*(\d+)", str(item_id).strip(), re.IGNORECASE)
        labs = [lab for lab in self.labs if named and lab.number == named[1]] or self.labs
        near = close_matches(str(item_id), [item.id for lab in labs for item in lab.items])
        if near.startswith("known") and len(labs) > 1:  # all ids of all labs would help nobody
            near = f"the labs are {', '.join(lab.key for lab in labs)}"
        raise LabError("an id of this course, such as '4.7'", f"{str(item_id)!r}; {near}")

    def todo(self, todo_id: str) -> Todo:
        """The TODO with this id. Raises LabError: unknown, or the id of a value or written question."""
        item = self.item(todo_id)
        if not isinstance(item, Todo):
            raise LabError("the id of a TODO in a module", f"{item.id}, which is answered in the notebook")
        return item

    def value(self, value_id: str) -> Value:
        """The notebook value with this id. Raises LabError: unknown, or the id of something else."""
        item = self.item(value_id)
        if not isinstance(item, Value):
            raise LabError("the id of a notebook value, such as '4.V1'", str(value_id))
        return item

    def todo_ids(self, lab: str | None = None) -> list[str]:
        """Ids in order: "4.2" before "4.10"; of one lab, or of the whole course."""
        labs = [self.lab(lab)] if lab else self.labs
        return [todo.id for one in labs for todo in one.todos]


def project_root(start: Path | None = None) -> Path:
    """The folder of `course.yaml`: $LABS_ROOT, else upwards from `start` (default: here), else beside labkit.

    Raises LabError: none of them holds one.
    """
    named = os.environ.get("LABS_ROOT")
    if named:
        if not (Path(named) / "course.yaml").is_file():
            raise LabError("a folder with course.yaml in $LABS_ROOT", "none", named, "unset LABS_ROOT")
        return Path(named).resolve()
    here = Path(start or Path.cwd()).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parent.parent):
        if (folder / "course.yaml").is_file():
            return folder
    raise LabError("course.yaml in this folder or above it", "none", here, "cd into the course's folder")


def load_course(root: Path | str | None = None) -> Course:
    """Reads `course.yaml` of `root` (default: `project_root()`).

    Raises LabError: file missing, not YAML, or breaking the schema (every place is listed).
    """
    path = Path(root or project_root()) / "course.yaml"
    if not path.is_file():
        raise LabError("course.yaml", "no such file", path)
    return _load(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _load(path: Path, _changed: int) -> Course:
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Course(**{**table, "labs": _labs(table)})
    except yaml.YAMLError as error:
        raise LabError("YAML", f"{error}".replace("\n", " "), path) from None
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, f['loc'])) or 'course'}: {f['msg']}" for f in error.errors()]
        raise LabError("the course table's schema", "; ".join(faults), path) from None
    except (TypeError, AttributeError, KeyError) as error:
        raise LabError("title, release, points and a table of labs", f"{error}", path) from None


def _labs(table: dict) -> list[dict]:
    """Each lab's key put into its record and into its items; items sorted by id."""
    labs = []
    for key, lab in table["labs"].items():
        shared = {"visibility": table.get("visibility", "visible"), "release_url": table["release_url"]}
        lab = {**shared, **lab, "key": key}
        for kind in ("todos", "values", "written"):
            items = [{**item, "lab": key} for item in lab.get(kind) or []]
            lab[kind] = sorted(items, key=lambda item: id_key(str(item.get("id", ""))))
        labs.append(lab)
    return labs
