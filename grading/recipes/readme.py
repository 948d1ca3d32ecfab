"""Sections of `data/README.md`, each lab's recipe its own; and what cards of all labs write alike.

    put_section(Path("data/README.md"), "## Lab 1\\n\\n" + file_table(Path("data"), "lab1_ensemble"))
    share(41, 50)                                            # "82.0% (69.2% – 90.2%)", Wilson's interval

Run: part of `python -m grading.recipes.LAB card`. Left out: headings below the second level.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from labkit.data import sha256
from labkit.stats import wilson


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


def file_table(folder: Path, package: str) -> str:
    """A Markdown table of a lab's data files: rows (lines of text), fields and sha256."""
    lines = ["| file | rows | fields | sha256 |", "| --- | --- | --- | --- |"]
    for path in sorted((folder / package).iterdir()):
        text = path.read_text(encoding="utf-8")
        rows, fields = str(len(text.splitlines())), "text"
        if path.suffix == ".jsonl":
            fields = ", ".join(f"`{key}`" for key in json.loads(text.splitlines()[0]))
        elif path.suffix == ".json":
            rows, fields = "–", ", ".join(f"`{key}`" for key in json.loads(text))
        lines.append(f"| `{package}/{path.name}` | {rows} | {fields} | `{sha256(path)}` |")
    return "\n".join(lines)


def share(hits: int, count: int) -> str:
    """A share in percent with Wilson's 95 % interval."""
    low, high = wilson(hits, count)
    return f"{hits / count:.1%} ({low:.1%} – {high:.1%})"
