"""Reading and writing the course's data: JSONL, checksums, public data sets.

Example:
    rows = read_jsonl(data_path("lab4_best_of_n", "records_small.jsonl"), {"question": str, "answer": str})
    rows = load_gsm8k("test", source="openai/gsm8k")         # the hub, or a local file of the same shape

Errors name file and line. Public data sets load through `datasets.load_dataset`. Left out: shaping examples
for a lab (each lab's own `data.py`).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from .course import project_root
from .errors import LabError

CHECKSUMS = "SHA256SUMS"

_JSON_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}
_JSON_NAMES |= {dict: "an object", type(None): "null"}

Fields = Mapping[str, type | tuple[type, ...]] | Collection[str]


def data_path(*parts: str) -> Path:
    """A path below the course's `data` folder. Raises LabError: there is nothing at that path."""
    path = project_root().joinpath("data", *parts)
    if not path.exists():
        raise LabError("a file or folder of the course's data", "nothing", path, "labs doctor")
    return path


def read_jsonl(
    path: Path | str, required: Fields | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """The records of a JSONL file (UTF-8, one JSON object a line; empty lines are skipped).

    Args:
        required: JSON type of each field that every record must have, `{"question": str, "reward": float}`;
            a whole number counts as `float`, true and false do not count as numbers; a tuple allows several;
            names alone, `{"question", "answer"}`, ask for the fields without their types.
        limit: at most this many records, None for all.
    Raises:
        LabError: no such file, or a line that is not such a record; with file and line.
    """
    path = Path(path)
    if not path.is_file():
        near = sorted(p.name for p in path.parent.glob("*.jsonl")) if path.parent.is_dir() else []
        there = f"no such file; there: {', '.join(near)}" if near else "no such file"
        raise LabError("a JSONL file", there, path, "labs doctor")
    rows: list[dict[str, Any]] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if limit is not None and len(rows) >= limit:
                break
            if line.strip():
                rows.append(_record(line, required or {}, f"{path}, line {number}"))
    return rows


def _record(line: bytes, required: Fields, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise LabError("text in UTF-8", f"byte {error.start} is not", where) from None
    except json.JSONDecodeError as error:
        raise LabError("one JSON object a line", f"{error.msg} at column {error.colno}", where) from None
    if not isinstance(record, dict):
        raise LabError("a JSON object", _json_name(record), where)
    check_fields(record, required, where)
    return record


def check_fields(record: Mapping[str, Any], required: Fields, where: str) -> None:
    """Raises LabError when a field of `required` is missing from `record` or of another JSON type."""
    typed = required if isinstance(required, Mapping) else {name: tuple(_JSON_NAMES) for name in required}
    for field, types in typed.items():
        types = types if isinstance(types, tuple) else (types,)
        anything = len(types) == len(_JSON_NAMES)
        wanted = "any value" if anything else " or ".join(_JSON_NAMES[kind] for kind in types)
        if field not in record:
            raise LabError(
                f"the field {field!r} ({wanted})", f"only {', '.join(record) or 'no field'}", where
            )
        value = record[field]
        fits = type(value) in types or (float in types and type(value) is int)
        if not fits:
            raise LabError(f"{field!r} to be {wanted}", _json_name(value), where)


def _json_name(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"{_JSON_NAMES[type(value)]}: {text[:60]}{'…' if len(text) > 60 else ''}"


def write_jsonl(path: Path | str, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Writes records as JSONL, UTF-8, whole or not at all. Raises ValueError: NaN, infinity or not JSON."""
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows]
    return atomic_write(path, "".join(lines).encode("utf-8"))


def finite(value: Any) -> Any:
    """The same with None in the place of numbers that JSON has no word for (NaN, infinity); tuples: lists."""
    if isinstance(value, dict):
        return {name: finite(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path | str, value: Any) -> Path:
    """Writes one JSON value, indented, whole or not at all. Raises ValueError: NaN, infinity or not JSON."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return atomic_write(path, text.encode("utf-8"))


def write_text(path: Path | str, text: str) -> Path:
    """Writes text, UTF-8 with `\\n` line ends on every system, whole or not at all."""
    return atomic_write(path, text.encode("utf-8"))


def atomic_write(path: Path | str, content: bytes) -> Path:
    """Writes `content` beside `path` and moves it into place, so that a killed run leaves no half file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


# ---- checksums ----


def sha256(path: Path | str) -> str:
    """SHA-256 of a file, in hex."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_checksums(folder: Path) -> dict[str, str]:
    """`{relative path: sha256}` of `folder/SHA256SUMS` (the format of `sha256sum`); {} without one."""
    path = folder / CHECKSUMS
    if not path.is_file():
        return {}
    sums = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            raise LabError("'<sha256>  <file>'", repr(line), f"{path}, line {number}")
        sums[name] = digest
    return sums


def write_checksums(folder: Path) -> Path:
    """Writes `folder/SHA256SUMS` over every file below `folder` but hidden ones, sorted by path."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS]
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    lines = [
        f"{sha256(folder / name)}  {name}\n"
        for name in names
        if not name.startswith(".") and "/." not in name
    ]
    return write_text(folder / CHECKSUMS, "".join(lines))


def failed_checksums(folder: Path) -> dict[str, str]:
    """Files of `folder/SHA256SUMS` that are not as recorded: `{file: "missing" | "changed"}`; {} is good."""
    failed = {}
    for name, digest in read_checksums(folder).items():
        path = folder / name
        if not path.is_file():
            failed[name] = "missing"
        elif sha256(path) != digest:
            failed[name] = "changed"
    return failed


# ---- public data sets ----


def load_gsm8k(
    split: str = "test", source: str = "openai/gsm8k", limit: int | None = None
) -> list[dict[str, Any]]:
    """GSM8K rows `{question, answer}`, the answer ending `#### N`; Cobbe et al. 2021, arXiv 2110.14168.

    Args:
        split: "train" or "test"; a local file is read whole.
        source: a hub id, a local JSONL or Parquet file of the same shape, or a folder with `<split>.jsonl`.
    Raises:
        LabError: the hub can't be reached and nothing is cached, or the rows have another shape.
    """
    return load_rows(source, {"question": str, "answer": str}, split=split, config="main", limit=limit)


def load_gsm_symbolic(
    source: str = "apple/GSM-Symbolic", config: str = "main", limit: int | None = None
) -> list[dict[str, Any]]:
    """GSM-Symbolic rows `{question, answer, …}`; `config`: main, p1 or p2. Mirzadeh et al., 2410.05229."""
    return load_rows(source, {"question": str, "answer": str}, split="test", config=config, limit=limit)


def load_strategyqa(
    split: str = "train", source: str = "voidful/StrategyQA", limit: int | None = None
) -> list[dict[str, Any]]:
    """StrategyQA rows `{qid, question, answer: bool, facts: [sentence], …}`; Geva et al. 2021, 2101.02235.

    Some copies of the set hold the facts of a question as one text; it is cut into its sentences here.

    Args:
        split: "train", "validation" or "test".
        source: a hub id, a local file of the same shape, or a folder with `<split>.jsonl` or
            `strategyqa_<split>.jsonl`.
    Raises:
        LabError: as `load_gsm8k`.
    """
    named = Path(source) / f"strategyqa_{split}.jsonl"
    fields = {"qid": str, "question": str, "answer": bool, "facts": (str, list)}
    rows = load_rows(named if named.is_file() else source, fields, split=split, limit=limit)
    for row in rows:
        if isinstance(row["facts"], str):
            sentences = re.split(r"(?<=[.!?])\s+", row["facts"].strip())
            row["facts"] = [sentence for sentence in sentences if sentence]
    return rows


def load_triviaqa(
    split: str = "train", source: str = "mandarjoshi/trivia_qa", limit: int | None = None
) -> list[dict[str, Any]]:
    """TriviaQA rows `{question_id, question, answer: {value, aliases, …}, …}`; Joshi et al. 2017, 1705.03551.

    The closed-book part of the set, `rc.nocontext`. A local `.json` file may have the form of the authors'
    own download, `{"Data": [{"QuestionId", "Question", "Answer": {"Value", "Aliases"}}]}`.

    Args:
        split: "train" or "validation". source: as for `load_gsm8k`.
    Raises:
        LabError: as `load_gsm8k`.
    """
    fields = {"question_id": str, "question": str, "answer": dict}
    if Path(source).suffix == ".json" and Path(source).is_file():
        rows = [_triviaqa_row(row) for row in json.loads(Path(source).read_text(encoding="utf-8"))["Data"]]
        rows = rows if limit is None else rows[:limit]
    else:
        rows = load_rows(source, fields, split=split, config="rc.nocontext", limit=limit)
    for number, row in enumerate(rows, start=1):
        check_fields(row["answer"], {"value": str, "aliases": list}, f"{source} ({split}), row {number}")
    return rows


def _triviaqa_row(row: Mapping[str, Any]) -> dict[str, Any]:
    answer = {"value": row["Answer"]["Value"], "aliases": row["Answer"]["Aliases"]}
    return {"question_id": row["QuestionId"], "question": row["Question"], "answer": answer}


def load_hotpotqa(
    split: str = "train", source: str = "hotpotqa/hotpot_qa", limit: int | None = None
) -> list[dict[str, Any]]:
    """HotpotQA rows `{id, question, answer, context: {title, sentences}, …}`; Yang et al. 2018, 1809.09600.

    The open-book setting `distractor`: two paragraphs with the facts among others.

    Args:
        split: "train" or "validation". source: as for `load_gsm8k`.
    Raises:
        LabError: as `load_gsm8k`.
    """
    fields = {"id": str, "question": str, "answer": str, "context": dict}
    rows = load_rows(source, fields, split=split, config="distractor", limit=limit)
    for number, row in enumerate(rows, start=1):
        check_fields(row["context"], {"title": list, "sentences": list}, f"{source} ({split}), row {number}")
    return rows


def load_rows(
    source: str | Path, required: Fields, *, split: str, config: str | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """Rows of a public data set: from a local file or folder of the same shape, else from the hub.

    Raises LabError: as `load_gsm8k`.
    """
    path = Path(source)
    if path.is_dir():
        path = next(
            (path / f"{split}{end}" for end in (".jsonl", ".parquet") if (path / f"{split}{end}").is_file()),
            path,
        )
        if path.is_dir():
            raise LabError(f"{split}.jsonl or {split}.parquet", "neither", path)
    if path.suffix == ".jsonl":
        return read_jsonl(path, required, limit)
    import datasets

    try:
        if path.is_file():
            table = datasets.load_dataset("parquet", data_files=str(path), split="train")
        else:
            table = datasets.load_dataset(str(source), config, split=split)
    except (OSError, ValueError) as error:  # what `datasets` and the hub raise when offline or unknown
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LabError(
            f"the data set {source} ({split})",
            f"{type(error).__name__}: {said}",
            command=f"go online once, or give a local JSONL file with the fields {', '.join(required)}",
        ) from error
    table = table.select(range(min(limit, len(table)))) if limit is not None else table
    rows = [dict(row) for row in table]
    for number, row in enumerate(rows, start=1):
        check_fields(row, required, f"{source} ({split}), row {number}")
    return rows
