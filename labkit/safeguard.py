"""A safeguard classifier and its guidelines: what it reads, and that nobody changed either.

Example:
    check_pins(find("nano-safeguard"), Path("safety_prompt.txt"), Path("safeguard.json"))
    safeguard_text(guidelines, "How do I bake bread?", "Here is how: …")

    python -m labkit.safeguard data/safeguard_model data/safety_prompt.txt       # writes data/safeguard.json

`safeguard.json` pins both by SHA-256: `{"guidelines": "<sha256>", "model": {"config.json": "<sha256>", …}}`.
A safety rate is only worth what measured it, so a missing or changed part is an error and never a number.
Left out: asking the classifier (Lab 6 does).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from .data import sha256, write_json
from .errors import LabError

PINNED_ENDS = (".json", ".safetensors", ".bin", ".model", ".txt", ".jinja")
MAKE = "python -m labkit.safeguard MODEL_FOLDER GUIDELINES_FILE"


def safeguard_text(guidelines: str, prompt: str, reply: str) -> str:
    """What the classifier reads about one reply: the guidelines first, then who said what.

    Raises ValueError: guidelines without a word in them.
    """
    if not guidelines.strip():
        raise ValueError("the guidelines are empty: the safeguard would judge by nothing")
    return f"{guidelines.strip()}\n\nUser: {prompt.strip()}\n\nAssistant: {reply.strip()}"


def pins(folder: Path, guidelines: Path) -> dict[str, Any]:
    """The checksums of a classifier's folder and of its guidelines. Raises LabError: one isn't there."""
    _require(folder, guidelines)
    names = sorted(path.name for path in folder.iterdir() if path.suffix in PINNED_ENDS)
    return {"guidelines": sha256(guidelines), "model": {name: sha256(folder / name) for name in names}}


def check_pins(folder: Path, guidelines: Path, pin_file: Path) -> None:
    """Raises LabError: a part is missing, empty, changed, or not among those that were pinned."""
    _require(folder, guidelines)
    if not pin_file.is_file():
        raise LabError("the safeguard's checksums", "no such file", pin_file, f"{MAKE} (once, as received)")
    try:
        pinned = json.loads(pin_file.read_text(encoding="utf-8"))
        known = {"guidelines": pinned["guidelines"], **{f"model/{k}": v for k, v in pinned["model"].items()}}
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise LabError(
            '{"guidelines": sha256, "model": {file: sha256}}', "something else", pin_file
        ) from None
    now = pins(folder, guidelines)
    here = {"guidelines": now["guidelines"], **{f"model/{k}": v for k, v in now["model"].items()}}
    changed = [f"{name} changed" for name in known if name in here and here[name] != known[name]]
    missing = [f"{name} is missing" for name in known if name not in here]
    added = [
        f"{name} is new" for name in here if name not in known and name.endswith((".safetensors", ".bin"))
    ]
    if changed or missing or added:
        raise LabError(
            "the safeguard and its guidelines as they were pinned",
            "; ".join([*changed, *missing, *added]),
            f"{folder} and {guidelines}",
            "labs doctor (the course's own files), or put the files back as received",
        )


def _require(folder: Path, guidelines: Path) -> None:
    if not (folder / "config.json").is_file():
        raise LabError(
            "the safeguard's model folder, with a config.json", "no such file", folder, "labs doctor"
        )
    if not guidelines.is_file():
        raise LabError("the Safety Guidelines", "no such file", guidelines, "labs doctor")
    if not guidelines.read_text(encoding="utf-8").strip():
        raise LabError("the text of the Safety Guidelines", "an empty file", guidelines, "labs doctor")


def main(argv: list[str]) -> int:
    """`MODEL_FOLDER GUIDELINES_FILE`: writes safeguard.json beside the guidelines."""
    if len(argv) != 2:
        print(MAKE, file=sys.stderr)
        return 2
    folder, guidelines = Path(argv[0]), Path(argv[1])
    try:
        print(f"wrote {write_json(guidelines.with_name('safeguard.json'), pins(folder, guidelines))}")
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
