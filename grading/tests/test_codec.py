"""The value codec: what crosses comes back equal and fresh; what may not cross is refused, on either side."""

import json
import struct
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grading import codec
from grading.codec import CodecError, Handle, Limits, dumps, loads

SCALARS = st.none() | st.booleans() | st.integers(-(10**60), 10**60) | st.floats() | st.text(max_size=20)
KEYS = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=20,
)


def same(a: object, b: object) -> bool:
    """Equal in type and value, NaN equal to NaN, −0.0 unlike 0.0."""
    if type(a) is not type(b):
        return False
    if type(a) is float:
        return struct.pack("d", a) == struct.pack("d", b) or (a != a and b != b)
    if type(a) in (list, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if type(a) is dict:
        return list(map(repr, a)) == list(map(repr, b)) and all(map(same, a.values(), b.values()))
    return a == b


def frame(header: object, body: bytes = b"") -> bytes:
    """A frame around any header: what a hostile sender could write."""
    text = header if type(header) is bytes else json.dumps(header).encode()
    return codec.PREFIX.pack(codec.MAGIC, len(text), len(body)) + text + body


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_plain_values_come_back_equal_and_of_the_same_types(value):
    assert same(loads(dumps(value)), value)


@pytest.mark.parametrize("dtype", codec.TENSOR_DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3)])
def test_tensors_come_back_bit_for_bit(dtype, shape):
    sent = (torch.randn(shape) * 3).to(getattr(torch, dtype))
    got = loads(dumps({"x": sent}))["x"]
    assert type(got) is torch.Tensor and got.dtype == sent.dtype and got.shape == sent.shape
    assert torch.equal(got, sent)


@pytest.mark.parametrize("dtype", codec.ARRAY_DTYPES)
def test_arrays_come_back_bit_for_bit(dtype):
    sent = (np.arange(6).reshape(2, 3) % 2).astype(dtype)
    got = loads(dumps(sent))
    assert type(got) is np.ndarray and got.dtype == sent.dtype and np.array_equal(got, sent)
    got += got  # writable, and nobody else's memory


def test_views_and_gradients_and_byte_order_make_no_difference():
    grid = torch.arange(6.0, requires_grad=True).reshape(2, 3)
    assert torch.equal(loads(dumps(grid.T)), grid.detach().T)
    swapped = np.arange(3, dtype=">i4")
    assert np.array_equal(loads(dumps(swapped)), [0, 1, 2])


def test_numpy_scalars_become_numbers():
    got = loads(dumps([np.float64(0.5), np.float32(0.5), np.int64(3), np.bool_(True), np.str_("a")]))
    assert got == [0.5, 0.5, 3, True, "a"] and [type(x) for x in got] == [float, float, int, bool, str]


def test_nan_and_infinities_cross_unless_the_reader_refuses_them():
    assert loads(dumps([float("inf"), float("-inf")])) == [float("inf"), float("-inf")]
    for value in (float("nan"), float("inf"), {"a": float("-inf")}):
        with pytest.raises(CodecError):
            loads(dumps(value), Limits(allow_nan=False))
        with pytest.raises(CodecError):
            dumps(value, Limits(allow_nan=False))


class Text(str):
    pass


class Items(list):
    pass


class Array(np.ndarray):
    pass


class Number(np.float64):
    pass


REFUSED = {
    "str subclass": Text("a"),
    "list subclass": Items(),
    "dict subclass": OrderedDict(a=1),
    "array subclass": np.zeros(1).view(Array),
    "number subclass": Number(1.0),
    "parameter": torch.nn.Parameter(torch.zeros(1)),
    "sparse tensor": torch.eye(2).to_sparse(),
    "meta tensor": torch.empty(2, device="meta"),
    "complex": 1j,
    "complex tensor": torch.zeros(1, dtype=torch.complex64),
    "text array": np.array(["a"]),
    "object array": np.array([print], dtype=object),
    "bytes": b"a",
    "set": {1},
    "object": object(),
    "tuple key": {(1, 2): 3},
    "key subclass": {Text("a"): 1},
    "surrogate": ["\ud800"],
    "surrogate key": {"\udfff": 1},
    "many digits": 10**500,
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_everything_else_is_refused_by_the_writer(value):
    with pytest.raises(CodecError):
        dumps(value)


def test_what_is_not_plain_can_stay_behind_as_a_handle():
    kept = []
    sent = dumps([1, object()], replace=lambda thing: kept.append(thing) or Handle("abc123", "object"))
    assert loads(sent) == [1, Handle("abc123", "object")]
    assert loads(sent, resolve=lambda handle: kept[0])[1] is kept[0]


def test_limits_hold_for_the_writer():
    loop: list = []
    loop.append(loop)
    wide = [0]
    for _ in range(25):
        wide = [wide, wide]  # 2^25 elements in 26 lists
    for value in (loop, wide, "x" * 9_000_000, torch.zeros(40_000_000), torch.zeros([1] * 9)):
        with pytest.raises(CodecError) as refused:
            dumps(value)
        assert refused.value.code == "size"


HOSTILE = {
    "nothing": b"",
    "short": b"PTL1",
    "other magic": b"\x80\x04" + bytes(30),
    "announces too much": codec.PREFIX.pack(codec.MAGIC, 2**32 - 1, 2**32 - 1),
    "shorter than it says": dumps([1, 2, 3])[:-1],
    "longer than it says": dumps([1, 2, 3]) + b" ",
    "no json": frame(b"{"),
    "no utf-8": frame(b'{"v":"\xff","b":[]}'),
    "bare nan": frame(b'{"v":NaN,"b":[]}'),
    "infinite literal": frame(b'{"v":1e999,"b":[]}'),
    "deep": frame(b'{"v":' + b"[" * 200_000 + b"]" * 200_000 + b',"b":[]}'),
    "nested past the limit": frame(b'{"v":' + b"[" * 40 + b"]" * 40 + b',"b":[]}'),
    "digits": frame(b'{"v":' + b"9" * 5_000 + b',"b":[]}'),
    "escaped surrogate": frame(b'{"v":"\\ud800","b":[]}'),
    "no value": frame({"b": []}),
    "swapped": frame({"b": [], "v": 1}),
    "unknown tag": frame({"v": {"__class__": "x"}, "b": []}),
    "method name as tag": frame({"v": {"block": []}, "b": []}),
    "two tags": frame({"v": {"t": [], "d": []}, "b": []}),
    "same tag twice": frame(b'{"v":{"t":[],"t":[1]},"b":[]}'),
    "float tag": frame({"v": {"f": ["nan"]}, "b": []}),
    "dict of singles": frame({"v": {"d": [["a"]]}, "b": []}),
    "dict with a list for a key": frame({"v": {"d": [[[1], 2]]}, "b": []}),
    "dict with a key twice": frame({"v": {"d": [["a", 1], ["a", 2]]}, "b": []}),
    "nan as a key": frame({"v": {"d": [[{"f": "nan"}, 1]]}, "b": []}),
    "blob lengths": frame({"v": 1, "b": [5]}),
    "negative blob": frame({"v": 1, "b": [-4, 4]}),
    "true as a length": frame({"v": 1, "b": [True]}, b"x"),
    "tensor of no dtype": frame({"v": {"T": ["complex64", [1], 0]}, "b": [8]}, bytes(8)),
    "tensor of another attribute": frame({"v": {"T": ["load", [1], 0]}, "b": [4]}, bytes(4)),
    "tensor of the wrong size": frame({"v": {"T": ["float32", [2], 0]}, "b": [4]}, bytes(4)),
    "tensor of negative shape": frame({"v": {"T": ["float32", [-1, -1], 0]}, "b": [4]}, bytes(4)),
    "tensor of huge empty shape": frame({"v": {"T": ["float32", [0, 2**40], 0]}, "b": [0]}),
    "blob used twice": frame({"v": [{"T": ["uint8", [4], 0]}] * 2, "b": [4]}, bytes(4)),
    "blob that is not there": frame({"v": {"T": ["uint8", [4], 3]}, "b": [4]}, bytes(4)),
    "bool that is seven": frame({"v": {"T": ["bool", [1], 0]}, "b": [1]}, b"\x07"),
    "object array": frame({"v": {"A": ["object", [1], 0]}, "b": [8]}, bytes(8)),
    "handle with a path": frame({"v": {"h": ["../..", "x"]}, "b": []}),
    "handle of no class": frame({"v": {"h": ["abc", "<script>"]}, "b": []}),
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_frame_is_refused_by_the_reader(sent):
    with pytest.raises(CodecError):
        loads(sent)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_frame_with_changed_bytes_is_a_value_or_refused(data):
    """Nothing but CodecError ever comes out of the reader."""
    honest = bytearray(dumps({"a": [1, 2.5, "x", None], "t": torch.arange(3), "h": Handle("ab", "Model")}))
    for _ in range(data.draw(st.integers(1, 4))):
        honest[data.draw(st.integers(0, len(honest) - 1))] = data.draw(st.integers(0, 255))
    try:
        loads(bytes(honest))
    except CodecError as refused:
        assert str(refused)
