"""Run folders that survive being killed: stages that are finished once and skipped afterwards.

Example:
    folder = RunFolder.open("lab4", config)                       # runs/lab4_nano_seed1
    with folder.stage("samples", uses=(generate_samples_batched,)) as stage:
        path = stage.file("samples.jsonl")
        if not stage.done:
            write_jsonl(path, sample(config))
    rows = read_jsonl(path)                                         # the same numbers, now or resumed

A stage is finished when its block ended. Its record in `.stages/` holds what it rests on: the configuration,
the source of the functions it `uses`, and the stages before it. A change to any of these makes it run again,
and all after it. A folder of another configuration is refused; settings that change no number aren't
compared (`NOT_COMPARED`, and those a configuration names in its `not_compared`). Left out: locking.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .config import as_dict
from .course import project_root
from .data import write_json
from .errors import LabError

CONFIG = "config_resolved.json"
NOT_COMPARED = ("out",)  # where the results lie does not change them


@dataclass
class Stage:
    """One stage while its block runs. `done`: an earlier run finished it, so there is nothing to do.

    `key` is a digest of what the stage rests on: a half-finished output of the same key may be gone on with.
    """

    name: str
    folder: Path
    done: bool
    key: str = ""
    outputs: list[str] = field(default_factory=list)

    def file(self, name: str) -> Path:
        """The path of an output (file or folder) of this stage; it must exist when the block ends."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name not in self.outputs:
            self.outputs.append(name)
        return path


class RunFolder:
    """A folder of results: `config_resolved.json`, what the stages write, and their records in `.stages/`."""

    def __init__(self, path: Path, config: Any):
        self.path, self.config = path, config
        self._key = _digest(_compared(as_dict(config), config))
        self._names: set[str] = set()

    @classmethod
    def open(cls, lab: str, config: Any) -> RunFolder:
        """The folder `config.out`, or `runs/<lab>_<profile>_seed<seed>` of the course, made if missing.

        Raises LabError: it holds the results of another configuration (the differing settings are listed), or
        other files.
        """
        settings, path = as_dict(config), cls.place(lab, config)
        known = path / CONFIG
        if known.is_file():
            _refuse_other_config(known, settings, config)
        elif path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise LabError(
                "an empty folder or an earlier run's", f"other files, and no {CONFIG}", path, "--out NEW"
            )
        else:
            write_json(known, settings)
        return cls(path, config)

    @staticmethod
    def place(lab: str, config: Any) -> Path:
        """Where `open` looks for a run of these settings; nothing is made."""
        settings = as_dict(config)
        name = f"{lab}_{settings.get('profile', 'run')}_seed{settings.get('seed', 0)}"
        return Path(settings["out"]) if settings.get("out") else project_root() / "runs" / name

    def file(self, name: str) -> Path:
        """A path in this folder."""
        return self.path / name

    @contextmanager
    def stage(self, name: str, uses: Sequence[Callable[..., Any]] = ()) -> Iterator[Stage]:
        """A stage; see the module's example. Stages are to be opened in the same order in every run.

        Args:
            uses: functions whose source counts: edit one and this stage and all later ones run again.
        Raises:
            LabError: a name used twice, or an output named with `stage.file` that is missing at the end.
        """
        if name in self._names:
            raise LabError("a new stage name", f"{name!r} for the second time", self.path)
        self._names.add(name)
        self._key = _digest([self._key, name, [_source(function) for function in uses]])
        record = self.path / ".stages" / f"{name}.json"
        stage = Stage(name, self.path, _finished(record, self._key, self.path), self._key)
        if not stage.done:
            record.unlink(missing_ok=True)
        began = time.perf_counter()
        yield stage
        if stage.done:
            return
        missing = [output for output in stage.outputs if not (self.path / output).exists()]
        if missing:
            raise LabError(f"stage {name!r} to write {', '.join(missing)}", "no such file", self.path)
        sizes = {output: _size(self.path / output) for output in stage.outputs}
        took = round(time.perf_counter() - began, 3)
        write_json(record, {"key": self._key, "outputs": sizes, "seconds": took})

    def seconds(self) -> dict[str, float]:
        """How long each finished stage took, in seconds, as measured by the run that did it."""
        records = sorted((self.path / ".stages").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        return {path.stem: json.loads(path.read_text(encoding="utf-8"))["seconds"] for path in records}


def _refuse_other_config(known: Path, settings: dict[str, Any], config: Any) -> None:
    try:
        earlier = json.loads(known.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise LabError("JSON", error.msg, known, "delete the folder, or give --out NEW") from None
    before, now = _compared(earlier, config), _compared(settings, config)
    differing = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if differing:
        changes = ", ".join(f"{name} {before.get(name)!r} there, {now.get(name)!r} now" for name in differing)
        raise LabError(
            "a folder of the same configuration", changes, known.parent, "--out NEW, or delete the folder"
        )


def _compared(settings: dict[str, Any], config: Any) -> dict[str, Any]:
    left_out = {*NOT_COMPARED, *getattr(config, "not_compared", ())}
    return {name: value for name, value in settings.items() if name not in left_out}


def _finished(record: Path, key: str, folder: Path) -> bool:
    if not record.is_file():
        return False
    saved = json.loads(record.read_text(encoding="utf-8"))
    outputs = saved["outputs"].items()
    return saved["key"] == key and all(_size(folder / name) == size for name, size in outputs)


def _size(path: Path) -> int | None:
    """Bytes in a file or in all files of a folder; None when there is nothing."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.is_file() else None


def _source(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}\n{inspect.getsource(function)}"


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
