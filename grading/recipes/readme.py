"""Sections of `data/README.md`: each lab's recipe writes its own and leaves the others' as they are.

    put_section(Path("data/README.md"), "## Lab 1\\n\\n| file | …")

Run: part of `python -m grading.recipes.LAB card`. Left out: headings below the second level.
"""

from __future__ import annotations

import re
from pathlib import Path


def put_section(path: Path, section: str) -> None:
    """Puts a section in the place of the one with the same heading, or at the end of the file.

    A section begins with its heading and ends before the next line that starts with `## `.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    parts = [part.strip() for part in re.split(r"^(?=## )", text, flags=re.M) if part.strip()]
    headings = [part.splitlines()[0] for part in parts]
    heading = section.strip().splitlines()[0]
    if heading in headings:
        parts[headings.index(heading)] = section.strip()
    else:
        parts.append(section.strip())
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
