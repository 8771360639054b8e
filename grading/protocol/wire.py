"""Frames of plain data between two processes: a JSON header, then raw arrays. Nothing is ever unpickled.

What comes from a worker was written by the submission, whatever it looks like: every size is bounded before memory is
taken, and everything that is not a frame ends in WireError.
"""

import json
import math
import struct
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from grading.protocol.text import cleaned

Plain = Any  # None, bool, int, float, str, lists and string-keyed dicts of these, and numpy arrays of DTYPES

DTYPES = frozenset({"bool", "uint8", "int64", "float32", "float64"})
# Commands to the process that sessions are forked from, and its answer to STATUS.
START, STATUS = b"s", b"?"
EXIT_CODE = struct.Struct("<i")  # negative: the signal that ended the session

MAX_HEADER = 16 * 2**20
MAX_CLAIM = 512 * 1024  # of the header of a reply: as objects, its worst text takes some 60 times as much memory
MAX_ARRAYS = 2 * 2**30
FRAMES = 12  # of an exception, innermost
MAX_DEPTH = 32  # of lists and dicts in each other: whoever prints or compares them recurses as deeply
INTEGERS = range(-(2**63), 2**64)
_LENGTH = struct.Struct("<Q")
_ARRAY = "__array__"


class Stream(Protocol):
    """A connection; `readinto` returns 0 at its end."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...

    def write(self, data: Any, /) -> object: ...

    def flush(self) -> None: ...


class WireError(Exception):
    """What came over the wire is not a frame of plain data."""


def check_plain(value: Plain) -> Plain:
    """Return a copy of `value` as it would arrive on the other side of a wire.

    Raises:
        WireError: it is, or holds, anything but plain data.
    """
    arrays: list[np.ndarray] = []
    body = json.loads(json.dumps(_packed(value, arrays)))
    return _unpacked(body, [array.copy() for array in arrays], str)


def send(stream: Stream, value: Plain) -> None:
    """Write one frame and flush.

    Raises:
        WireError: `value` is not plain data.
    """
    arrays: list[np.ndarray] = []
    body = _packed(value, arrays)
    header = json.dumps({"body": body, "arrays": [{"dtype": a.dtype.name, "shape": a.shape} for a in arrays]}).encode()
    stream.write(_LENGTH.pack(len(header)) + header)
    for array in arrays:
        stream.write(array.data.cast("B") if array.size else b"")
    stream.flush()


def receive(stream: Stream) -> Plain:
    """Read one frame of the grader's.

    Raises:
        EOFError: the other side has closed the stream, or died in the middle of a frame.
        WireError: what came is not a frame of plain data, or is too large.
    """
    return _received(stream, MAX_HEADER, MAX_ARRAYS, str)


def receive_claim(stream: Stream, max_arrays: int) -> Plain:
    """Read one frame that a submission may have written: its texts arrive as `grading.protocol.text.cleaned`.

    Args:
        max_arrays: bytes that its arrays may take together.

    Raises:
        EOFError, WireError: see `receive`; nothing else, whatever the frame.
    """
    return _received(stream, MAX_CLAIM, max_arrays, cleaned)


def _received(stream: Stream, max_header: int, max_arrays: int, text: Callable[[str], str]) -> Plain:
    (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    if length > max_header:
        raise WireError(f"a header of {length} bytes")
    try:
        header = json.loads(_read(stream, length).decode())
        described = [(spec["dtype"], tuple(spec["shape"])) for spec in header["arrays"]]
        body = header["body"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError(f"a malformed header: {type(error).__name__}") from None
    arrays = []
    room = max_arrays
    for dtype, shape in described:
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise WireError("an array of a dtype that is not plain")
        if len(shape) > 8 or not all(type(side) is int and 0 <= side < 2**40 for side in shape):
            raise WireError("an array of a shape that is none")
        # NumPy does not take every shape that holds nothing: its other sides count as if there were something.
        room -= np.dtype(dtype).itemsize * math.prod(max(side, 1) for side in shape)
        if room < 0:
            raise WireError(f"more than {max_arrays} bytes of arrays in one frame")
        data = _read(stream, np.dtype(dtype).itemsize * math.prod(shape))
        if dtype == "bool" and data.translate(None, b"\0\1"):
            raise WireError("an array of bool with values that are none")
        arrays.append(np.frombuffer(data, dtype=dtype).reshape(shape))
    return _unpacked(body, arrays, text)


def _read(stream: Stream, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = stream.readinto(view)
        if not count:
            raise EOFError("the stream ended")
        view = view[count:]
    return data


def _packed(value: Plain, arrays: list[np.ndarray], depth: int = 0) -> Plain:
    _check_depth(depth)
    # Exact types: a subclass, of str or of ndarray alike, could carry behaviour.
    if type(value) is int:
        return _checked_integer(value)
    if value is None or type(value) in (bool, float, str):
        return value
    if type(value) is np.ndarray and value.dtype.name in DTYPES:
        arrays.append(np.ascontiguousarray(value, value.dtype.newbyteorder("=")).reshape(value.shape))
        return {_ARRAY: len(arrays) - 1}
    if type(value) in (list, tuple):
        return [_packed(item, arrays, depth + 1) for item in value]
    if type(value) is dict and all(type(key) is str for key in value) and _ARRAY not in value:
        return {key: _packed(item, arrays, depth + 1) for key, item in value.items()}
    raise WireError(f"{type(value).__name__} is not plain data")


def _unpacked(body: Plain, arrays: list[np.ndarray], text: Callable[[str], str], depth: int = 0) -> Plain:
    _check_depth(depth)
    if isinstance(body, str):
        return text(body)
    if type(body) is int:
        return _checked_integer(body)
    if isinstance(body, list):
        return [_unpacked(item, arrays, text, depth + 1) for item in body]
    if isinstance(body, dict):
        if _ARRAY in body:
            index = body[_ARRAY]
            if len(body) > 1 or type(index) is not int or not 0 <= index < len(arrays):
                raise WireError(f"a reference to none of its {len(arrays)} arrays")
            return arrays[index]
        return {text(key): _unpacked(item, arrays, text, depth + 1) for key, item in body.items()}
    return body


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise WireError(f"a body nested more than {MAX_DEPTH} deep")


def _checked_integer(value: int) -> int:
    if value not in INTEGERS:
        raise WireError("an integer of more than 64 bits")
    return value
