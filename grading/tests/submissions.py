"""Submissions for the tests of the grader: the reference, and the reference with one hostile piece.

    tree = hostile(folder, "grading/attacks/code/endless_loop.py")   # the piece ends method.py
    pack(tree, zip_path)                                               # as `labs submit` would

The first line of each file in grading/attacks says what it does and what is to come of it:

    # ATTACK: sleeps for ever | state: timeout | costs: 4.9 | slow
"""

import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ATTACKS = ROOT / "grading" / "attacks"
PACKAGE = "lab4_best_of_n"
HIDDEN = ROOT / "grading" / "hidden" / f"test_{PACKAGE}.py"


@dataclass(frozen=True)
class Attack:
    """One file of grading/attacks: what its first line says."""

    path: Path
    words: str
    facts: dict[str, str]

    @property
    def name(self) -> str:
        return self.path.stem

    def listed(self, fact: str) -> list[str]:
        """The parts of a fact: "state: failed, crashed" → ["failed", "crashed"]."""
        return [part for part in re.split(r"[,\s]+", self.facts.get(fact, "")) if part]


def attacks(kind: str) -> list[Attack]:
    """The attacks of one folder (code, probes, archives, notebooks), by name. ValueError: bad first line."""
    found = []
    for path in sorted((ATTACKS / kind).glob("*.py")):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        words, *facts = first.split(" | ")
        if not re.match(r"# (ATTACK|PROBE): \w", words):
            raise ValueError(f"{path}: the first line must say the attack, found {first!r}")
        pairs = [fact.partition(":") for fact in facts]
        found.append(Attack(path, words.split(": ", 1)[1], {k.strip(): v.strip() for k, _, v in pairs}))
    return found


def reference(folder: Path) -> Path:
    """A tree whose `starter` is the solution of the lab: modules only."""
    target = folder / "starter" / PACKAGE
    target.mkdir(parents=True)
    (folder / "starter" / "__init__.py").write_text("")
    for path in (ROOT / "solutions" / PACKAGE).glob("*.py"):
        if path.name != "lab.py":
            shutil.copyfile(path, target / path.name)
    return folder


def hostile(folder: Path, piece: Path) -> Path:
    """The reference with the text of `piece` at the end of method.py, where it replaces 4.9 best_of_n."""
    tree = reference(folder)
    method = tree / "starter" / PACKAGE / "method.py"
    method.write_text(f"{method.read_text()}\n\n{Path(piece).read_text()}")
    return tree


def pack(tree: Path, out: Path, above: str = "") -> None:
    """A zip of the tree, all of it below the folder `above`."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(tree.rglob("*")):
            if path.is_file():
                archive.write(path, str(Path(above) / path.relative_to(tree)))
