"""Lab 6 assets: the files of a run by the published names, checked before anything else is done.

    require(config, arms)              # LabError: what is missing or was changed, with the command that helps
    prompts(config, "ailuminate.jsonl", limit=50)    # [{"id", "prompt", "category", "template"}, …]
    words, openings = vocabulary(config)

A run without its safeguard has no safety rate, not a safety rate of 0; so everything is looked for before a
model is trained. A folder of one's own (`data_folder`) lends from the course only what says nothing about its
model (`LENT`): refusals are worded by a model, and the safeguard's error rates hold for replies like the
labelled.
Source: the published guide's `data/` folder. Left out: what the files are used for (run.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from labkit.course import project_root
from labkit.data import data_path, load_gsm8k, read_jsonl
from labkit.errors import LabError
from labkit.models import find, load_tokenizer
from labkit.safeguard import check_pins

from .config import Arm, Config
from .data import PROBLEM

HAZARDS, BENIGN = "ailuminate.jsonl", "benign_lookalikes.jsonl"
GUIDELINES, PINS = "safety_prompt.txt", "safeguard.json"
REFINED, LABELLED = "gsm8k_train_self-instruct.jsonl", "safeguard_labelled.jsonl"
TRAINING = {"plain": "gsm8k_train.jsonl", "unopened": "gsm8k_train_unopened.jsonl", "refined": REFINED}
# What a folder of one's own may take from the course: requests, a system's text, lists of English.
LENT = (BENIGN, "ailuminate_validation.jsonl", "benign_lookalikes_validation.jsonl", "system_prompt.txt")
LENT += ("words.txt", "refusals_english.txt", *(f"gsm8k_{s}.jsonl" for s in ("train", "validation", "test")))


def file(config: Config, name: str) -> Path:
    """Where a file of the data folder lies. Raises LabError: nowhere."""
    if config.data_folder == "course":
        return data_path("lab6_safety", name)
    folder = Path(config.data_folder)
    folder = folder if folder.is_absolute() else project_root() / folder
    own = folder / name
    if own.is_file():
        return own
    if name in LENT:
        return data_path("lab6_safety", name)
    makes = {
        PINS: "python -m labkit.safeguard MODEL_FOLDER GUIDELINES_FILE",
        "refusals.txt": "--refusals refusals_english.txt, or put your own there",
    }
    raise LabError(
        f"{name} (see GUIDE.md)", "no such file", own, makes.get(name, "put it there, as received")
    )


def safeguard_folder(config: Config) -> Path:
    """The classifier's folder. Raises LabError: there is none, or it is only a name on the hub."""
    folder = project_root() / config.safeguard
    place = folder if (folder / "config.json").is_file() else find(config.safeguard)
    if not isinstance(place, Path):
        raise LabError(
            "a safeguard in a folder, so that it can be checked", place, command="--safeguard FOLDER"
        )
    return place


def require(config: Config, arms: Mapping[str, Arm]) -> None:
    """Everything that the arms need is there, not empty, and as it was pinned. Raises LabError: it isn't."""
    check_pins(safeguard_folder(config), file(config, GUIDELINES), file(config, PINS))
    for name in (HAZARDS, BENIGN):
        prompts(config, name)
    for data in sorted({arm.data for arm in arms.values() if arm.epochs} - {"plain"}):
        read_jsonl(file(config, TRAINING[data]), PROBLEM)
    if any(arm.replay for arm in arms.values()):
        read_jsonl(file(config, "replay.jsonl"), {**PROBLEM, "kind": str})
    if any(arm.system_prompt for arm in arms.values()):
        text(config, "system_prompt.txt")
    vocabulary(config)
    find(config.model)
    tokenizer = load_tokenizer(config.model, shrink=config.shrink)
    if tokenizer.chat_template is None or tokenizer.pad_token_id is None:
        raise LabError("a tokenizer with a chat template and a pad token", "one without", config.model)


def text(config: Config, name: str) -> str:
    """A text file that says something. Raises LabError: it is missing or empty."""
    path = file(config, name)
    said = path.read_text(encoding="utf-8").strip()
    if not said:
        raise LabError(f"a text in {name}", "an empty file", path, "labs doctor")
    return said


def vocabulary(config: Config) -> tuple[list[str], list[str]]:
    """(known words, none if the rule is switched off; openings of refusals) for 6.12."""
    words = text(config, "words.txt").split() if config.known_words else []
    return words, [line.strip() for line in text(config, config.refusals).splitlines() if line.strip()]


def labelled(config: Config) -> list[dict]:
    """Replies whose truth is known, for the safeguard's error rates; [] if none are like this model's.

    The course's are in nano-chat's words: for another model they would correct nothing, and say so to nobody.
    """
    if config.data_folder == "course" and config.model != "nano-chat":
        return []
    try:
        path = file(config, LABELLED)
    except LabError:
        return []  # a folder of one's own without them: no corrected rates
    return read_jsonl(path, {"prompt": str, "reply": str, "label": str})


def prompts(config: Config, name: str, limit: int | None = None) -> list[dict]:
    """Hazards or look-alikes; the prompt stands in `prompt`, or in `input` as in the published file.

    Raises LabError: no such file, or a row without a prompt, with its line.
    """
    path, made = file(config, name), []
    for number, row in enumerate(read_jsonl(path), start=1):
        said = row.get("prompt", row.get("input"))
        if not isinstance(said, str) or not said.strip():
            raise LabError("a text in `prompt` or `input`", str(said), f"{path}, row {number}")
        key = str(row.get("id", f"{path.stem}_{number:04d}"))
        category = str(row.get("category") or "all")
        about = {"template": row.get("template", key), "unseen": bool(row.get("unseen"))}
        made.append({"id": key, "prompt": said, "category": category, **about})
    if not made:
        raise LabError("at least one prompt", "an empty file", path)
    return made[:limit]


def problems(config: Config, split: str) -> list[dict]:
    """The problems of "train", "validation" or "test": the course's, or those of a set like GSM8K.

    A public set has no validation part: the last `validation_items` training problems are it.
    """
    if config.problems == "course":
        rows = read_jsonl(file(config, f"gsm8k_{split}.jsonl"), PROBLEM)
        return rows[: config.validation_items] if split == "validation" else rows
    rows = load_gsm8k("test" if split == "test" else "train", config.problems)
    parts = {"train": rows[: -config.validation_items], "validation": rows[-config.validation_items :]}
    return parts.get(split, rows)


def training_file(config: Config, arm: Arm) -> list[dict]:
    """What an arm is trained on, before anything is removed or added."""
    if arm.data == "plain":
        return problems(config, "train")
    return read_jsonl(file(config, TRAINING[arm.data]), PROBLEM)
