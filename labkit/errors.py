"""One kind of error for people: what was expected, what was found, where, and the command that helps.

Example:
    LabError("a model folder", "nothing", where="data/models/nano-math", command="labs doctor")

Everything in `labkit` that can go wrong because of a file, a name or a setting raises `LabError`.
Command lines print it as one message and leave with exit code 2; they never show a traceback for it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class LabError(Exception):
    """Something the person at the keyboard can put right.

    Args:
        expected: what should have been there, in words.
        found: what was there instead.
        where: the file and line, folder, or field.
        command: what to type next, if a command helps.
    """

    def __init__(self, expected: str, found: str = "", where: object = "", command: str = ""):
        self.expected, self.found, self.where, self.command = expected, found, str(where), command
        super().__init__(expected, found, str(where), command)

    def __str__(self) -> str:
        lines = [f"expected: {self.expected}"]
        if self.found:
            lines.append(f"found:    {self.found}")
        if self.where:
            lines.append(f"where:    {self.where}")
        if self.command:
            lines.append(f"try:      {self.command}")
        return "\n".join(lines)


def close_matches(name: str, known: Iterable[str]) -> str:
    """Words such as `did you mean 'lab4'?`, or the known names when none is near.

    A TODO id written in another way ("4-7", "4,7", "lab4.7", "TODO 4.7") finds its own form.
    """
    known = list(known)
    tidy = re.sub(r"[-_,\s]+", ".", re.sub(r"^(todo|lab)\s*", "", name.strip(), flags=re.IGNORECASE))
    near = [tidy] if tidy in known else difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr(match) for match in near) + "?"
    return "known: " + ", ".join(known) if known else "none is known"
