"""What a lab's function returned, as plain values: the same here as in the grader.

    plain(BatchEncoding({"input_ids": [[1, 2]]}))      # {"input_ids": [[1, 2]]}
    plain([np.float64(0.5), Counter("aab")])           # [0.5, {"a": 2, "b": 1}]

Between the grader and a student's process only plain values cross; libraries' containers that labs use like
dicts and tuples cross as what they are used as. Only these exact types: a class of the student's own stays
what it is. Left out: the crossing itself (the grader's codec).
"""

from __future__ import annotations

import sys
from typing import Any

LIKE_DICTS = ("OrderedDict", "defaultdict", "Counter")


def as_plain(value: Any) -> Any:
    """The plain form of a library's container, its items as they are; any other value itself."""
    module, name = type(value).__module__, type(value).__name__
    if module == "collections" and name in LIKE_DICTS:
        return dict(value)
    if name == "BatchEncoding" and module.startswith("transformers."):
        return dict(value.data)
    if (module, name) == ("torch", "Size"):
        return tuple(value)
    return value


def plain(value: Any) -> Any:
    """`value` with every container and number of a library in it made plain; other objects stay."""
    value = as_plain(value)
    kind = type(value)
    if kind in (list, tuple):
        return kind(plain(item) for item in value)
    if kind is dict:
        return {key: plain(item) for key, item in value.items()}
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic) and kind is numpy.dtype(kind).type:
        item = value.item()
        return item if type(item) in (bool, int, float, str) else value
    return value
