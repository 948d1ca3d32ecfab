"""Plain values as bytes, and back, without trusting whoever wrote the bytes.

One frame is one message between the grader and a student's process:

    "PTL1" | header length, 4 bytes | body length, 4 bytes | header, JSON in UTF-8 | body, raw blobs

The header is `{"v": VALUE, "b": [blob lengths]}`. In VALUE, null, booleans, strings and finite numbers stand
for themselves and a JSON array is a list; everything else is an object with exactly one tag:

    {"f": "nan"}                              a float that JSON can't write: nan, inf, -inf
    {"t": [1, 2]}                             a tuple
    {"d": [["a", 1], ["b", 2]]}               a dict, as pairs
    {"T": ["float32", [2, 3], 0]}             a torch tensor: dtype, shape, number of its blob
    {"A": ["int64", [4], 1]}                  a numpy array
    {"h": ["f00d…", "Trainer"]}               a handle: an object that stays in the other process

Exact types only: a subclass of `list`, `float` or `Tensor` is never taken for its parent, because a subclass
may answer `==` as it likes. What `loads` returns holds fresh builtins, tensors and arrays and nothing else,
so no code of the sender runs in the reader. There is no pickle here.

Source: the request and value rules of "Grading" in the design; the frame is ours. Not covered: encryption
(both ends are on one machine), sharing (a list that occurs twice is sent twice), cycles (refused by depth).
"""

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

MAGIC = b"PTL1"
PREFIX = struct.Struct("!4sII")

TENSOR_DTYPES = (
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "bool",
)
ARRAY_DTYPES = (
    *("float16", "float32", "float64", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "bool"),
)
_ITEM_BYTES = {"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2}
_ITEM_BYTES |= {"int32": 4, "uint32": 4, "float32": 4, "int64": 8, "uint64": 8, "float64": 8}


class CodecError(ValueError):
    """A value that may not cross, or bytes that are no frame.

    code: "type", "size", "text", "nan" or "frame". A worker reports only this word: what it says is a claim.
    """

    def __init__(self, message: str, code: str = "frame"):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Limits:
    """How large a message may be; what one lab function returns is far below all of them."""

    header_bytes: int = 8 * 2**20  # 8 MiB of JSON: about 400,000 floats
    body_bytes: int = 128 * 2**20  # 128 MiB of tensors: twice all nano models together
    elements: int = 2_000_000  # values counted one by one, so that a small frame can't build a huge object
    depth: int = 32  # labs nest at most four deep
    digits: int = 400  # decimal digits of an int: math.comb(1000, 500) has 300
    dimensions: int = 8
    allow_nan: bool = True  # tests decide what nan and inf are worth; False where no test could want one


DEFAULT = Limits()
# What a submission may answer: a lab's longest answer takes 0.1 MiB, and a list 32 times a tensor's bytes.
ANSWER = Limits(header_bytes=2 * 2**20, body_bytes=8 * 2**20, elements=500_000)


@dataclass(frozen=True)
class Handle:
    """An object that stays in the worker: `id` is random and lives for one test, `kind` is its class name."""

    id: str
    kind: str


# --- writing ---


def dumps(
    value: object, limits: Limits = DEFAULT, replace: Callable[[object], object] | None = None
) -> bytes:
    """One frame holding `value`.

    replace: called with every object that isn't plain; returns what is sent in its place, a Handle or a
    value. Raises CodecError: a type that may not cross (without `replace`, every object that isn't plain), or
    a limit.
    """
    writer = _Writer(limits, replace)
    tagged = writer.encode(value, 0)
    header = {"v": tagged, "b": [len(blob) for blob in writer.blobs]}
    try:
        text = json.dumps(header, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        raise CodecError("a string holds half of a surrogate pair, which is no text", "text") from None
    if len(text) > limits.header_bytes:
        raise CodecError(
            f"the value takes {len(text):,} bytes; at most {limits.header_bytes:,} are accepted", "size"
        )
    body = sum(len(blob) for blob in writer.blobs)
    return b"".join([PREFIX.pack(MAGIC, len(text), body), text, *writer.blobs])


class _Writer:
    def __init__(self, limits: Limits, replace: Callable[[object], object] | None):
        self.limits, self.replace = limits, replace
        self.blobs: list[bytes] = []
        self.elements = self.body = 0

    def encode(self, value: object, depth: int) -> object:
        kind = type(value)
        self.count(depth)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return self.integer(value)
        if kind is float:
            return self.float(value)
        if kind is list:
            return [self.encode(item, depth + 1) for item in value]
        if kind is tuple:
            return {"t": [self.encode(item, depth + 1) for item in value]}
        if kind is dict:
            return {"d": [[self.key(key), self.encode(item, depth + 1)] for key, item in value.items()]}
        if kind is Handle:
            return {"h": [value.id, value.kind]}
        module = kind.__module__
        if module == "torch" and kind.__name__ == "Tensor":
            return self.tensor(value, depth)
        if module == "numpy":
            return self.numpy(value, depth)
        return self.other(value, depth)

    def count(self, depth: int) -> None:
        self.elements += 1
        if self.elements > self.limits.elements:
            raise CodecError(f"the value has more than {self.limits.elements:,} elements", "size")
        if depth > self.limits.depth:
            raise CodecError(
                f"the value is nested more than {self.limits.depth} deep (or contains itself)", "size"
            )

    def integer(self, value: int) -> int:
        if value.bit_length() > self.limits.digits * 3.33:
            raise CodecError(f"an int has more than {self.limits.digits} digits", "size")
        return value

    def float(self, value: float) -> object:
        if math.isfinite(value):
            return value
        if not self.limits.allow_nan:
            raise CodecError(f"a float is {value}, and only finite numbers are accepted here", "nan")
        return {"f": "nan" if value != value else "inf" if value > 0 else "-inf"}

    def key(self, key: object) -> object:
        self.elements += 1
        if type(key) is int:
            return self.integer(key)
        if type(key) is float:
            return self.float(key)
        if key is None or type(key) in (str, bool):
            return key
        raise CodecError(
            f"a dict key is a {type(key).__name__}; keys are strings, numbers, bools or None", "type"
        )

    def tensor(self, value: object, depth: int) -> object:
        import torch

        if type(value) is not torch.Tensor:
            return self.other(value, depth)
        dtype = str(value.dtype).removeprefix("torch.")
        if (
            dtype not in TENSOR_DTYPES
            or value.layout is not torch.strided
            or value.is_meta
            or value.is_quantized
        ):
            raise CodecError(f"a tensor of dtype {dtype} and layout {value.layout} can't be sent", "type")
        self.room(value.numel() * _ITEM_BYTES[dtype], value.dim())
        flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
        raw = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
        return {"T": [dtype, list(value.shape), self.blob(raw)]}

    def numpy(self, value: object, depth: int) -> object:
        import numpy

        if type(value) is numpy.ndarray:
            dtype = value.dtype.name
            if dtype not in ARRAY_DTYPES:
                raise CodecError(f"an array of dtype {dtype} can't be sent", "type")
            self.room(value.nbytes, value.ndim)
            native = numpy.ascontiguousarray(value, dtype=value.dtype.newbyteorder("="))
            return {"A": [dtype, list(value.shape), self.blob(native.tobytes())]}
        if isinstance(value, numpy.generic) and type(value) is numpy.dtype(type(value)).type:
            plain = value.item()  # np.float64(0.5) is what numpy gives for a mean: a number, not an object
            if type(plain) in (bool, int, float, str):
                return self.encode(plain, depth)
        return self.other(value, depth)

    def room(self, size: int, dimensions: int) -> None:
        self.body += size
        if self.body > self.limits.body_bytes:
            raise CodecError(
                f"tensors and arrays take more than {self.limits.body_bytes:,} bytes together", "size"
            )
        if dimensions > self.limits.dimensions:
            raise CodecError(
                f"a tensor has {dimensions} dimensions; at most {self.limits.dimensions} are accepted", "size"
            )

    def blob(self, raw: bytes) -> int:
        self.blobs.append(raw)
        return len(self.blobs) - 1

    def other(self, value: object, depth: int) -> object:
        if self.replace is None:
            raise CodecError(f"a {type(value).__name__} is not a plain value", "type")
        return self.encode(self.replace(value), depth + 1)


# --- reading ---


def frame_size(prefix: bytes, limits: Limits = DEFAULT) -> tuple[int, int]:
    """(header bytes, body bytes) that follow the 12 bytes of `prefix`.

    Raises CodecError: no frame, or too large.
    """
    if len(prefix) != PREFIX.size:
        raise CodecError("the message ends before its first 12 bytes")
    magic, header, body = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise CodecError("the message is not in the grader's format")
    if header > limits.header_bytes or body > limits.body_bytes:
        raise CodecError(
            f"the message announces {header + body:,} bytes; at most "
            f"{limits.header_bytes:,} of values and {limits.body_bytes:,} of tensors are accepted"
        )
    return header, body


def loads(
    frame: bytes, limits: Limits = DEFAULT, resolve: Callable[[Handle], object] | None = None
) -> object:
    """The value in one complete frame, built afresh.

    resolve: called with every Handle, returns what stands in its place (the worker's own object).
    Raises CodecError: anything else than a well-formed frame within `limits`.
    """
    header, body = frame_size(frame[: PREFIX.size], limits)
    if len(frame) != PREFIX.size + header + body:
        raise CodecError(
            f"the message has {len(frame):,} bytes and announces {PREFIX.size + header + body:,}"
        )
    middle = PREFIX.size + header
    try:
        parsed = json.loads(
            frame[PREFIX.size : middle].decode("utf-8"),
            object_pairs_hook=_one_tag,
            parse_int=lambda text: _parse_int(text, limits),
            parse_constant=_no_constant,
        )
    except CodecError:
        raise
    except RecursionError:
        raise CodecError("the value is nested too deep") from None
    except (UnicodeDecodeError, ValueError) as error:
        raise CodecError(f"the message is no JSON ({type(error).__name__})") from None
    if type(parsed) is not dict or list(parsed) != ["v", "b"]:
        raise CodecError("the message holds something else than a value and its blobs")
    lengths = parsed["b"]
    if type(lengths) is not list or any(type(n) is not int or n < 0 for n in lengths) or sum(lengths) != body:
        raise CodecError("the lengths of the blobs don't add up")
    blobs, start = [], middle
    for length in lengths:
        blobs.append(frame[start : start + length])
        start += length
    return _Reader(limits, blobs, resolve).decode(parsed["v"], 0)


def _one_tag(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    if keys != ["v", "b"] and (len(keys) != 1 or keys[0] not in ("f", "t", "d", "T", "A", "h")):
        raise CodecError("the message holds an object with unknown tags")
    return dict(pairs)


def _parse_int(text: str, limits: Limits) -> int:
    if len(text) > limits.digits + 2:
        raise CodecError(f"an int has more than {limits.digits} digits")
    return int(text)


def _no_constant(name: str) -> object:
    raise CodecError(f"the message holds a bare {name}")


class _Reader:
    def __init__(self, limits: Limits, blobs: list[bytes], resolve: Callable[[Handle], object] | None):
        self.limits, self.blobs, self.resolve = limits, blobs, resolve
        self.elements, self.unread = 0, set(range(len(blobs)))

    def decode(self, value: object, depth: int) -> object:
        self.elements += 1
        if self.elements > self.limits.elements:
            raise CodecError(f"the value has more than {self.limits.elements:,} elements")
        if depth > self.limits.depth:
            raise CodecError(f"the value is nested more than {self.limits.depth} deep")
        kind = type(value)
        if value is None or kind is bool or kind is int:
            return value
        if kind is str:
            return _text(value)
        if kind is float:
            if not math.isfinite(value):  # 1e999 parses as inf
                raise CodecError("a number is too large for a float")
            return value
        if kind is list:
            return [self.decode(item, depth + 1) for item in value]
        if kind is not dict or len(value) != 1:
            raise CodecError("the message holds an unknown object")
        [(tag, content)] = value.items()
        return getattr(self, f"_{tag}")(content, depth)

    def _f(self, content: object, depth: int) -> float:
        if content not in ("nan", "inf", "-inf") or not self.limits.allow_nan:
            raise CodecError("a float is not finite, and only finite numbers are accepted here")
        return float(content)

    def _t(self, content: object, depth: int) -> tuple:
        return tuple(self.items(content, depth))

    def _d(self, content: object, depth: int) -> dict:
        if type(content) is not list or any(type(pair) is not list or len(pair) != 2 for pair in content):
            raise CodecError("a dict is not made of pairs")
        result = {}
        for key, item in content:
            key = self.decode(key, depth + 1)
            if key is not None and type(key) not in (str, bool, int, float) or key != key:
                raise CodecError("a dict key is no string, number, bool or None")
            if key in result:
                raise CodecError("a dict has the same key twice")
            result[key] = self.decode(item, depth + 1)
        return result

    def _h(self, content: object, depth: int) -> object:
        if type(content) is not list or len(content) != 2 or any(type(part) is not str for part in content):
            raise CodecError("a handle is malformed")
        name, kind = (_text(part) for part in content)
        if not (
            1 <= len(name) <= 64
            and name.isascii()
            and name.isalnum()
            and kind.isidentifier()
            and len(kind) <= 80
        ):
            raise CodecError("a handle is malformed")
        handle = Handle(name, kind)
        return handle if self.resolve is None else self.resolve(handle)

    def _T(self, content: object, depth: int) -> object:
        import torch

        dtype, shape, raw = self.block(content, TENSOR_DTYPES)
        if not raw:
            return torch.empty(shape, dtype=getattr(torch, dtype))
        return torch.frombuffer(bytearray(raw), dtype=getattr(torch, dtype)).reshape(shape)

    def _A(self, content: object, depth: int) -> object:
        import numpy

        dtype, shape, raw = self.block(content, ARRAY_DTYPES)
        return numpy.frombuffer(bytearray(raw), dtype=dtype).reshape(shape)

    def block(self, content: object, dtypes: tuple[str, ...]) -> tuple[str, list[int], bytes]:
        """dtype, shape and bytes of one tensor, checked against each other; each blob is used once."""
        if type(content) is not list or [type(part) for part in content] != [str, list, int]:
            raise CodecError("a tensor is malformed")
        dtype, shape, number = content
        if dtype not in dtypes or len(shape) > self.limits.dimensions or number not in self.unread:
            raise CodecError("a tensor is malformed")
        if any(type(size) is not int or not 0 <= size < 2**31 for size in shape):
            raise CodecError("a tensor has an impossible shape")
        self.unread.discard(number)
        raw = self.blobs[number]
        if math.prod(shape) * _ITEM_BYTES[dtype] != len(raw):
            raise CodecError("the bytes of a tensor don't fit its shape")
        if dtype == "bool" and raw.translate(None, b"\x00\x01"):
            raise CodecError("a tensor of bools holds something else")
        return dtype, shape, raw

    def items(self, content: object, depth: int) -> list:
        if type(content) is not list:
            raise CodecError("a tuple is malformed")
        return [self.decode(item, depth + 1) for item in content]


def _text(value: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise CodecError("a string holds half of a surrogate pair, which is no text") from None
    return value
