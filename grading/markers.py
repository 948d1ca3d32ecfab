"""The marked regions of `solutions/`: what is found between BEGIN SOLUTION and END SOLUTION.

One syntax for modules and percent notebooks:

    # TODO 4.7: count the votes, earliest answer wins a tie.
    # BEGIN SOLUTION 4.7
    ...
    # END SOLUTION 4.7

Written answers in markdown cells use `<!-- BEGIN SOLUTION 4.W1 -->` (behind the `# ` of the percent
format). `find_regions` reads them and reports every malformed one with its line; `replace_regions`
puts a stub in their place. Nothing here knows what a lab is.

Left out: whether an id exists in `course.yaml` and where it belongs; that is `grading/lint.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

CODE = re.compile(r"^(?P<indent>\s*)# (?P<kind>BEGIN|END) SOLUTION (?P<id>\d+\.[VW]?\d+)\s*$")
TEXT = re.compile(r"^(?P<indent>(?:# ?)?)<!-- (?P<kind>BEGIN|END) SOLUTION (?P<id>\d+\.[VW]?\d+) -->\s*$")
TODO = re.compile(r"^\s*# TODO (?P<id>\d+\.[VW]?\d+): \S.*$")
LOOSE_MARKER = re.compile(r"\b(BEGIN|END)\s+SOLUTION\b")
LOOSE_TODO = re.compile(r"^\s*#\s*TODO\s+\d")


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend, with the place: `str()` gives `path:line: message`."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class SourceError(Exception):
    """The source can't be built. `problems` holds every reason, each with file and line."""

    def __init__(self, problems: list[Problem]):
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True)
class Region:
    """One marked region. Lines count from 1 and include the two marker lines.

    todo_line is the line of `# TODO <id>: …` above the region, or None for a written answer.
    """

    id: str
    begin: int
    end: int
    indent: str
    text: bool
    todo_line: int | None

    def body(self, lines: list[str]) -> list[str]:
        """The lines between the markers."""
        return lines[self.begin : self.end - 1]


def find_regions(source: str, path: str | Path) -> tuple[list[Region], list[Problem]]:
    """Read all marked regions of one file.

    source: the file's text; path: how the file is named in messages.
    Returns (regions in order, problems). Never raises: nested, unclosed, stray and misspelt markers and
    a `# TODO` without its region are problems.
    """
    regions: list[Region] = []
    problems: list[Problem] = []
    path = str(path)
    lines = source.splitlines()
    open_at: int | None = None
    open_match: re.Match | None = None
    pending: tuple[str, int] | None = None  # the last `# TODO`, while only comments follow it

    for number, line in enumerate(lines, start=1):
        match = CODE.match(line) or TEXT.match(line)
        if match is None:
            if LOOSE_MARKER.search(line):
                problems.append(
                    Problem(
                        path, number, f"marker not understood: {line.strip()!r}; write '# BEGIN SOLUTION 4.7'"
                    )
                )
            todo = TODO.match(line)
            if todo and open_match is None:
                if pending:
                    problems.append(
                        Problem(path, pending[1], f"TODO {pending[0]} has no marked region below it")
                    )
                pending = (todo["id"], number)
            elif LOOSE_TODO.match(line) and not todo:
                problems.append(
                    Problem(
                        path,
                        number,
                        f"TODO not understood: {line.strip()!r}; write '# TODO 4.7: what to do.'",
                    )
                )
            elif pending and open_match is None and not line.lstrip().startswith("#"):
                problems.append(
                    Problem(
                        path, pending[1], f"TODO {pending[0]} isn't directly followed by its marked region"
                    )
                )
                pending = None
            continue
        if match["kind"] == "BEGIN":
            if open_match is not None:
                problems.append(
                    Problem(
                        path,
                        number,
                        f"region {match['id']} begins inside region {open_match['id']} (line {open_at}): "
                        "regions can't be nested, or an END SOLUTION is missing",
                    )
                )
                continue
            open_match, open_at = match, number
        else:
            if open_match is None:
                problems.append(Problem(path, number, f"END SOLUTION {match['id']} without a BEGIN"))
            elif open_match["id"] != match["id"]:
                problems.append(
                    Problem(
                        path,
                        number,
                        f"END SOLUTION {match['id']} closes region {open_match['id']} (line {open_at})",
                    )
                )
                open_match = None
                pending = None
            else:
                text = TEXT.match(line) is not None
                todo_line = None
                if not text:
                    if pending is None:
                        problems.append(
                            Problem(
                                path,
                                open_at,
                                f"region {match['id']} has no '# TODO {match['id']}: …' line above it",
                            )
                        )
                    elif pending[0] != match["id"]:
                        problems.append(
                            Problem(path, open_at, f"region {match['id']} stands under 'TODO {pending[0]}'")
                        )
                    else:
                        todo_line = pending[1]
                regions.append(Region(match["id"], open_at, number, open_match["indent"], text, todo_line))
                if not any(part.strip() for part in lines[open_at : number - 1]):
                    problems.append(Problem(path, open_at, f"region {match['id']} is empty"))
                open_match = None
                pending = None
    if open_match is not None:
        problems.append(Problem(path, open_at, f"region {open_match['id']} is never closed"))
    elif pending:
        problems.append(Problem(path, pending[1], f"TODO {pending[0]} has no marked region below it"))
    return regions, problems


def replace_regions(
    source: str,
    path: str | Path,
    replacement: Callable[[Region, list[str]], list[str]],
    only: Collection[str] | None = None,
) -> str:
    """Put `replacement(region, body lines)` in the place of every region, markers included.

    only: the ids to replace (None = all); other regions keep their lines and their markers.
    Returns the new text. Raises SourceError with every malformed marker.
    """
    regions, problems = find_regions(source, path)
    if problems:
        raise SourceError(problems)
    lines = source.splitlines()
    for region in reversed(regions):
        if only is None or region.id in only:
            lines[region.begin - 1 : region.end] = replacement(region, region.body(lines))
    return "\n".join(lines) + ("\n" if source.endswith("\n") or not source else "")
