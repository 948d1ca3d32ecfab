"""Settings of a run: one frozen dataclass, presets in YAML, and `--field value` on top.

Example:
    config = parse(Config, ["--profile", "nano", "--seed", "3", "--ns", "1,2,4"], presets=HERE / "configs")

Order: the dataclass's defaults, then `--config FILE` or the preset `<profile>.yaml`, then the command line.
Values are checked against the dataclass's annotations (pydantic), then by its `__post_init__`. The syntax is
that of TRL's `TrlParser` (`--config file.yaml --field value`), without its import of transformers.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from .errors import LabError, close_matches

C = TypeVar("C")

PROFILES = ("nano", "laptop", "gpu")


def parse(config_class: type[C], argv: Sequence[str], presets: Path | str) -> C:
    """The configuration that a command line asks for, as an instance of `config_class`.

    Args:
        config_class: a dataclass; fields named `profile`, `seed`, `out`, `shrink` work like all others.
        argv: `--config FILE` (a path, or the name of a preset) or `--profile NAME` (default: nano), and
            `--field value`, `--field=value`, or `--field` alone for true; dashes count as underscores.
        presets: the folder with `nano.yaml`, `laptop.yaml`, `gpu.yaml`.
    Raises:
        LabError: unknown preset or field (with near names), or a value that does not fit.
    """
    return _from_words(config_class, _read_words(argv), Path(presets))


def check(config_class: type, argv: Sequence[str], presets: Path | str) -> None:
    """Raises what `parse` would, before anything heavy is imported; options of the lab's own are left out."""
    known = {"config", "profile", *_types(config_class)}
    words = {name: word for name, word in _read_words(argv).items() if name in known}
    _from_words(config_class, words, Path(presets))


def _from_words(config_class: type[C], words: dict[str, Any], presets: Path) -> C:
    preset = words.pop("config", None)
    profile = words.get("profile")
    if preset is not None and profile is not None and Path(preset).stem != profile:
        raise LabError("either --config or --profile", f"--config {preset} and --profile {profile}")
    path = _preset_path(preset or profile or "nano", presets)
    values = load_yaml(config_class, path)
    if profile is not None and "profile" not in _types(config_class):
        del words["profile"]
    if path.stem in PROFILES and "profile" in _types(config_class):
        values.setdefault("profile", path.stem)
    for name, word in words.items():
        values[name] = _from_word(config_class, name, word)
    return build(config_class, values, "the command line")


def load_yaml(config_class: type[C], path: Path) -> dict[str, Any]:
    """The fields that a YAML file sets, checked. Raises LabError: not a table, unknown field, wrong type."""
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise LabError("YAML", f"{error}".replace("\n", " "), path) from None
    if not isinstance(table, dict):
        raise LabError("a table of `field: value`", type(table).__name__, path)
    return {str(name): _checked(config_class, str(name), value, path) for name, value in table.items()}


def build(config_class: type[C], values: dict[str, Any], where: object = "") -> C:
    """`config_class(**values)`, checked. Raises LabError: unknown field, or a value that does not fit."""
    checked = {name: _checked(config_class, name, value, where) for name, value in values.items()}
    try:
        return config_class(**checked)
    except (ValueError, TypeError) as error:  # __post_init__, or a field without default
        raise LabError(f"settings that fit {config_class.__name__}", str(error), where) from error


def as_dict(config: Any) -> dict[str, Any]:
    """A configuration as plain JSON values, in the order of its fields."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def describe(config_class: type) -> str:
    """One line a field: name, type, default. Shown by `labs run LAB --help`."""
    lines = []
    for field in dataclasses.fields(config_class):
        default = field.default
        if default is dataclasses.MISSING:
            made = field.default_factory
            default = made() if made is not dataclasses.MISSING else "(required)"
        shown = (
            field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
        )
        lines.append(f"  --{field.name:<28} {shown:<24} default: {default!r}")
    return "\n".join(lines)


def _preset_path(name: str, presets: Path) -> Path:
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        for candidate in (path, presets / path.name):
            if candidate.is_file():
                return candidate
    elif (presets / f"{name}.yaml").is_file():
        return presets / f"{name}.yaml"
    known = sorted(path.stem for path in presets.glob("*.yaml"))
    raise LabError("a preset or a YAML file", f"{name!r}; {close_matches(path.stem, known)}", presets)


def _read_words(argv: Sequence[str]) -> dict[str, str | list[str] | None]:
    """`{"seed": "3", "ns": ["1", "2"], "flag": None}`; several words after a name make a list."""
    words: dict[str, Any] = {}
    name = None
    for word in argv:
        if word.startswith("--") and len(word) > 2:
            name, equals, value = word[2:].partition("=")
            name = name.replace("-", "_")
            if name in words:
                raise LabError(f"--{name} once", "twice", "the command line")
            words[name] = value if equals else None
        elif name is None:
            raise LabError("--field value", repr(word), "the command line", "labs run LAB --help")
        elif words[name] is None:
            words[name] = word
        else:
            earlier = words[name]
            words[name] = [*(earlier if isinstance(earlier, list) else [earlier]), word]
    for needed in ("config", "profile"):
        if needed in words and not isinstance(words[needed], str):
            raise LabError(f"one name after --{needed}", "none or several", "the command line")
    return words


def _types(config_class: type) -> dict[str, Any]:
    hints = typing.get_type_hints(config_class)
    return {field.name: hints[field.name] for field in dataclasses.fields(config_class) if field.init}


def _type_of(config_class: type, name: str, where: object) -> Any:
    types = _types(config_class)
    if name not in types:
        raise LabError(
            f"a setting of {config_class.__module__.split('.')[-2:][0]}",
            f"{name!r}; {close_matches(name, types)}",
            where,
        )
    return types[name]


def _checked(config_class: type, name: str, value: Any, where: object) -> Any:
    kind = _type_of(config_class, name, where)
    try:
        return _validated(kind, value)
    except ValidationError as error:
        raise LabError(f"{name}: {_words(kind)}", f"{value!r} ({error.errors()[0]['msg']})", where) from None


def _from_word(config_class: type, name: str, word: str | list[str] | None) -> Any:
    """A word of the command line as the field's type: as text, else as YAML, else as a comma list."""
    where = "the command line"
    kind = _type_of(config_class, name, where)
    if word is None:
        readings: list[Any] = [True]
    elif isinstance(word, list):
        readings = [word]
    else:
        none = [None] if word.lower() in ("none", "null") else []
        readings = [*none, word, *_yaml_readings(word)]
    within = ""
    for reading in readings:
        try:
            return _validated(kind, reading)
        except ValidationError as error:
            first = error.errors()[0]
            if isinstance(reading, dict) and first["loc"]:  # the place within the table that doesn't fit
                within = f"; {'.'.join(map(str, first['loc']))}: {first['msg']}"
    found = "no value" if word is None else repr(word) + within
    raise LabError(f"--{name} {_words(kind)}", found, where)


def _validated(kind: Any, value: Any) -> Any:
    """`value` as `kind`; "1e-3" and 3 are numbers too, but true is not 1, and a table names nothing unknown.
    Raises ValidationError."""
    _forbid_unknown(kind)
    return TypeAdapter(kind).validate_python(value, strict=isinstance(value, bool) or None)


def _forbid_unknown(kind: Any) -> None:
    """Dataclasses within `kind` refuse fields that they don't have; pydantic would drop them unsaid."""
    if dataclasses.is_dataclass(kind):
        kind.__pydantic_config__ = {"extra": "forbid"}
    for part in typing.get_args(kind):
        _forbid_unknown(part)


def _yaml_readings(word: str) -> list[Any]:
    readings = []
    for text in (word, f"[{word}]"):
        try:
            readings.append(yaml.safe_load(text))
        except yaml.YAMLError:
            continue
    return readings


def _words(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false", Path: "a path"}
    return names.get(kind) or str(kind).replace("typing.", "").replace("NoneType", "None")


def take(words: list[str], name: str) -> str | None:
    """Removes `name VALUE` (or `name=VALUE`) from the words of a command line and returns VALUE."""
    for i, word in enumerate(words):
        if word.startswith(f"{name}="):
            return words.pop(i).partition("=")[2]
        if word == name:
            if i + 1 == len(words):
                raise LabError(f"{name} NAME", "nothing after it", "the command line")
            words.pop(i)
            return words.pop(i)
    return None
