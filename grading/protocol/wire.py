"""Frames of plain data between two processes: a JSON header, then raw arrays. Nothing is ever unpickled.

Whatever comes from a worker may have been written by the submission. So every size is bounded before memory is taken,
and everything that is not a frame of plain data raises WireError.
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
# Commands to the fork server, and its answer to STATUS.
START, STATUS = b"s", b"?"
EXIT_CODE = struct.Struct("<i")  # negative: the signal that ended the session

MAX_HEADER = 16 * 2**20
MAX_CLAIM = 512 * 1024  # of the header of a reply; parsed, the worst JSON text takes some 60 times its length
MAX_ARRAYS = 2 * 2**30
FRAMES = 12  # of a traceback: the innermost ones are sent
MAX_DEPTH = 32  # of nested lists and dicts: whoever prints or compares them recurses as deeply
INTEGERS = range(-(2**63), 2**64)
_LENGTH = struct.Struct("<Q")
_ARRAY = "__array__"


class Stream(Protocol):
    """A connection; `readinto` returns 0 at the end of the stream."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...

    def write(self, data: Any, /) -> object: ...

    def flush(self) -> None: ...


class WireError(Exception):
    """Something is not plain data, or what came over the wire is not a frame."""


def check_plain(value: Plain) -> Plain:
    """A copy of `value` as it would arrive on the other side of a wire.

    Raises:
        WireError: it is, or holds, anything but plain data.
    """
    arrays: list[np.ndarray] = []
    body = json.loads(json.dumps(_pack(value, arrays)))
    return _unpack(body, [array.copy() for array in arrays], str)


def send(stream: Stream, value: Plain) -> None:
    """Write one frame and flush.

    Raises:
        WireError: `value` is not plain data.
    """
    arrays: list[np.ndarray] = []
    body = _pack(value, arrays)
    specs = [{"dtype": array.dtype.name, "shape": array.shape} for array in arrays]
    header = json.dumps({"body": body, "arrays": specs}).encode()
    stream.write(_LENGTH.pack(len(header)) + header)
    for array in arrays:
        stream.write(array.data.cast("B") if array.size else b"")
    stream.flush()


def receive(stream: Stream) -> Plain:
    """Read one frame that the grader wrote.

    Raises:
        EOFError: the other side has closed the stream, or died in the middle of a frame.
        WireError: what came is not a frame of plain data, or is too large.
    """
    return _receive(stream, MAX_HEADER, MAX_ARRAYS, str)


def receive_claim(stream: Stream, max_arrays: int) -> Plain:
    """Read one frame that a submission may have written: its texts are `grading.protocol.text.cleaned`.

    Args:
        max_arrays: the most bytes of all its arrays together.

    Raises:
        EOFError, WireError: see `receive`. Nothing else is raised, whatever the frame holds.
    """
    return _receive(stream, MAX_CLAIM, max_arrays, cleaned)


def _receive(stream: Stream, max_header: int, max_arrays: int, clean: Callable[[str], str]) -> Plain:
    body, specs = _receive_header(stream, max_header)
    arrays = []
    bytes_left = max_arrays
    for dtype, shape in specs:
        _check_spec(dtype, shape)
        # NumPy rejects some shapes that hold nothing because of their other sides, so sides of 0 count as 1.
        bytes_left -= np.dtype(dtype).itemsize * math.prod(max(side, 1) for side in shape)
        if bytes_left < 0:
            raise WireError(f"more than {max_arrays} bytes of arrays in one frame")
        arrays.append(_receive_array(stream, dtype, shape))
    return _unpack(body, arrays, clean)


def _receive_header(stream: Stream, max_header: int) -> tuple[Plain, list[tuple[Any, tuple[Any, ...]]]]:
    """The body of a frame, and the dtype and shape of each of its arrays, all of them unchecked."""
    (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    if length > max_header:
        raise WireError(f"a header of {length} bytes")
    try:
        header = json.loads(_read(stream, length).decode())
        specs = [(spec["dtype"], tuple(spec["shape"])) for spec in header["arrays"]]
        return header["body"], specs
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError(f"a malformed header: {type(error).__name__}") from None


def _check_spec(dtype: Any, shape: tuple[Any, ...]) -> None:
    """Check that a dtype is one of DTYPES, and a shape one that an array may have."""
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise WireError("an array of a dtype that is not plain")
    if len(shape) > 8 or not all(type(side) is int and 0 <= side < 2**40 for side in shape):
        raise WireError("an array of an impossible shape")


def _receive_array(stream: Stream, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    data = _read(stream, np.dtype(dtype).itemsize * math.prod(shape))
    if dtype == "bool" and data.translate(None, b"\0\1"):
        raise WireError("an array of bool with values other than 0 and 1")
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def _read(stream: Stream, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = stream.readinto(view)
        if not count:
            raise EOFError("the stream ended")
        view = view[count:]
    return data


def _pack(value: Plain, arrays: list[np.ndarray], depth: int = 0) -> Plain:
    _check_depth(depth)
    # Exact types: a subclass, of str or of ndarray alike, could carry behaviour.
    if type(value) is int:
        return _check_integer(value)
    if value is None or type(value) in (bool, float, str):
        return value
    if type(value) is np.ndarray and value.dtype.name in DTYPES:
        arrays.append(np.ascontiguousarray(value, value.dtype.newbyteorder("=")).reshape(value.shape))
        return {_ARRAY: len(arrays) - 1}
    if type(value) in (list, tuple):
        return [_pack(item, arrays, depth + 1) for item in value]
    if type(value) is dict and all(type(key) is str for key in value) and _ARRAY not in value:
        return {key: _pack(item, arrays, depth + 1) for key, item in value.items()}
    raise WireError(f"{type(value).__name__} is not plain data")


def _unpack(body: Plain, arrays: list[np.ndarray], clean: Callable[[str], str], depth: int = 0) -> Plain:
    _check_depth(depth)
    if isinstance(body, str):
        return clean(body)
    if type(body) is int:
        return _check_integer(body)
    if isinstance(body, list):
        return [_unpack(item, arrays, clean, depth + 1) for item in body]
    if isinstance(body, dict):
        if _ARRAY in body:
            index = body[_ARRAY]
            if len(body) > 1 or type(index) is not int or not 0 <= index < len(arrays):
                raise WireError(f"a reference to none of its {len(arrays)} arrays")
            return arrays[index]
        return {clean(key): _unpack(item, arrays, clean, depth + 1) for key, item in body.items()}
    return body


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise WireError(f"a body nested more than {MAX_DEPTH} deep")


def _check_integer(value: int) -> int:
    if value not in INTEGERS:
        raise WireError("an integer of more than 64 bits")
    return value
