"""Static checks of `solutions/<package>/lab.py`: headings and cards, graded cells, lengths, Python.

Each TODO has one heading `## 4.7 …`, in order, with its card cell before the next heading. Each value has one
answer cell that assigns its variable, and its test cell right after it; each written question has one cell.
A code cell has at most 25 lines (median 12), a markdown cell at most 120 words; generated cards don't count.
The headings of all labs are the same, but for those of TODOs.
"""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

from labkit.course import Course, Lab

from .build_notebook import Cell, read_cells
from .markers import CODE, TEXT, Problem, SourceError, find_regions

CODE_LINES, MEDIAN_LINES, WORDS = 25, 12, 120
HEADING = re.compile(r"^(#{1,6}) (.+?)\s*$", re.MULTILINE)
TODO_HEADING = re.compile(r"^(\d+\.\d+)\b")


def lint_notebook(lab: Lab, root: Path) -> list[Problem]:
    """Every problem of one lab's percent notebook."""
    path = root / "solutions" / lab.package / "lab.py"
    shown, text = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
    _, problems = find_regions(text, shown)
    try:
        cells = read_cells(text, shown)
    except SourceError as error:
        return problems + error.problems
    problems += _lengths(cells, shown)
    problems += _python(cells, shown)
    problems += _headings(lab, cells, shown)
    problems += _graded_cells(lab, cells, shown)
    for tag in ("setup", *(["inject"] if lab.values else [])):
        count = sum(tag in cell.tags for cell in cells)
        if count == 0 or (tag == "inject" and count > 1):
            problems.append(Problem(shown, 1, f"{count} cells tagged {tag!r}: the grader needs one to run"))
    if not any(cell.keys.get("card") == "all" for cell in cells):
        problems.append(Problem(shown, 1, 'no cell # %% [markdown] card="all" (the table of all TODOs)'))
    return problems


def _plain_lines(cell: Cell) -> list[str]:
    """The cell's lines without the marker lines, which no reader sees."""
    return [line for line in cell.source.splitlines() if not (CODE.match(line) or TEXT.match(line))]


def _lengths(cells: list[Cell], shown: str) -> list[Problem]:
    problems, sizes, longest = [], [], None
    for cell in cells:
        if cell.type == "code":
            size = len(_plain_lines(cell))
            sizes.append(size)
            longest = cell if longest is None or size >= len(_plain_lines(longest)) else longest
            if size > CODE_LINES:
                problems.append(Problem(shown, cell.line, f"code cell of {size} lines; at most {CODE_LINES}"))
        elif "card" not in cell.keys:
            words = len(re.findall(r"\S+", "\n".join(_plain_lines(cell))))
            if words > WORDS:
                problems.append(Problem(shown, cell.line, f"markdown cell of {words} words; at most {WORDS}"))
    if sizes and statistics.median(sizes) > MEDIAN_LINES:
        median = statistics.median(sizes)
        problems.append(
            Problem(shown, longest.line, f"the median code cell has {median:g} lines; at most {MEDIAN_LINES}")
        )
    return problems


def _python(cells: list[Cell], shown: str) -> list[Problem]:
    problems = []
    for cell in cells:
        if cell.type != "code":
            continue
        # Magics and shell lines are IPython's; as comments they keep the line numbers.
        source = re.sub(r"^(\s*)([%!])", r"\1pass  # \2", cell.source, flags=re.MULTILINE)
        try:
            ast.parse(source)
        except SyntaxError as error:
            problems.append(Problem(shown, cell.line + (error.lineno or 1), f"not Python: {error.msg}"))
    return problems


def _headings(lab: Lab, cells: list[Cell], shown: str) -> list[Problem]:
    """One heading and one card a TODO, in the order of the ids, the card before the next heading."""
    problems, order = [], []
    waiting: tuple[str, int] | None = None
    known = {todo.id for todo in lab.todos}
    carded: set[str] = set()
    for cell in cells:
        if cell.type != "markdown":
            continue
        for heading in HEADING.finditer(cell.source) if cell.keys.get("card") in (None, "all") else ():
            line = cell.line + 1 + cell.source[: heading.start()].count("\n")
            match = TODO_HEADING.match(heading[2])
            if waiting and len(heading[1]) <= 2:
                problems.append(Problem(shown, waiting[1], f"heading {waiting[0]} has no card below it"))
                waiting = None
            if not match:
                continue
            if match[1] not in known:
                problems.append(
                    Problem(shown, line, f"heading {match[1]} is no TODO of {lab.key} in course.yaml")
                )
            elif len(heading[1]) != 2:
                problems.append(
                    Problem(shown, line, f"the heading of {match[1]} is '{heading[1]}'; it must be '##'")
                )
            else:
                order.append((match[1], line))
                waiting = (match[1], line)
        card = cell.keys.get("card")
        if card and card != "all":
            if card not in known:
                problems.append(
                    Problem(shown, cell.line, f"card {card} is no TODO of {lab.key} in course.yaml")
                )
            elif card in carded:
                problems.append(Problem(shown, cell.line, f"a second card {card}"))
            elif waiting is None or waiting[0] != card:
                problems.append(
                    Problem(shown, cell.line, f"card {card} isn't below its heading '## {card} …'")
                )
            carded.add(card)
            waiting = None
    if waiting:
        problems.append(Problem(shown, waiting[1], f"heading {waiting[0]} has no card below it"))
    ids = [item for item, _ in order]
    for todo in lab.todos:
        if ids.count(todo.id) != 1:
            problems.append(
                Problem(shown, 1, f"{ids.count(todo.id)} headings '## {todo.id} …'; there must be one")
            )
    wanted = [todo.id for todo in lab.todos if todo.id in ids]
    first = [item for item in dict.fromkeys(ids)]
    for have, want in zip(first, wanted, strict=False):
        if have != want:
            line = dict(reversed(order))[have]
            problems.append(Problem(shown, line, f"heading {have} stands where {want} should"))
            break
    return problems


def _graded_cells(lab: Lab, cells: list[Cell], shown: str) -> list[Problem]:
    problems = []
    wanted = {"answer": {v.id: v for v in lab.values}, "test": {v.id: v for v in lab.values}}
    wanted["written"] = {w.id: w for w in lab.written}
    seen: dict[tuple[str, str], int] = {}
    for number, cell in enumerate(cells):
        regions, _ = find_regions(cell.source, shown)
        own = next(((key, cell.keys[key]) for key in wanted if key in cell.keys), None)
        for region in regions:
            if own is None or own[0] == "test" or region.id != own[1]:
                message = f'region {region.id} belongs in the cell answer="{region.id}" (or written=)'
                problems.append(Problem(shown, cell.line + region.begin, message))
        if own is None:
            continue
        key, item_id = own
        if item_id not in wanted[key]:
            problems.append(
                Problem(shown, cell.line, f'{key}="{item_id}" is no such item of {lab.key} in course.yaml')
            )
            continue
        if own in seen:
            problems.append(
                Problem(shown, cell.line, f'a second cell {key}="{item_id}" (first: line {seen[own]})')
            )
        seen[own] = cell.line
        if (key == "written") != (cell.type == "markdown"):
            problems.append(Problem(shown, cell.line, f'{key}="{item_id}" is on a {cell.type} cell'))
        if key != "test" and [region.id for region in regions].count(item_id) != 1:
            problems.append(
                Problem(shown, cell.line, f'the cell {key}="{item_id}" needs one region {item_id}')
            )
        if key == "answer":
            after = cells[number + 1] if number + 1 < len(cells) else None
            if after is None or after.keys.get("test") != item_id:
                problems.append(Problem(shown, cell.line, f'the next cell must be # %% test="{item_id}"'))
            variable = wanted["answer"][item_id].variable
            if not re.search(rf"^\s*{variable}\s*(:[^=]+)?=[^=]", cell.source, re.MULTILINE):
                problems.append(
                    Problem(shown, cell.line, f"the answer of {item_id} must assign {variable!r}")
                )
    for key, items in wanted.items():
        problems += [
            Problem(shown, 1, f'no cell {key}="{item_id}"') for item_id in items if (key, item_id) not in seen
        ]
    return problems


def lint_headings_alike(course: Course, root: Path) -> list[Problem]:
    """The `##` headings of all labs are the same list, those of TODOs left out."""
    lists = {}
    for lab in course.labs:
        path = root / "solutions" / lab.package / "lab.py"
        if not path.is_file():
            continue
        try:
            cells = read_cells(path.read_text(encoding="utf-8"), path)
        except SourceError:
            continue  # lint_notebook says it
        text = "\n".join(cell.source for cell in cells if cell.type == "markdown")
        headings = [heading[2] for heading in HEADING.finditer(text) if len(heading[1]) == 2]
        lists[path.relative_to(root).as_posix()] = [h for h in headings if not TODO_HEADING.match(h)]
    problems = []
    first = next(iter(lists), None)
    for shown, headings in lists.items():
        if headings != lists[first]:
            only = [h for h in headings if h not in lists[first]] + [
                h for h in lists[first] if h not in headings
            ]
            message = f"headings differ from {first}: {', '.join(map(repr, only)) or 'another order'}"
            problems.append(Problem(shown, 1, message))
    return problems
