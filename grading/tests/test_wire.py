"""Plain data, and nothing else, crosses between processes."""

import json
import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grading.workers import wire

ARRAYS = st.sampled_from(sorted(wire.DTYPES)).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text() | ARRAYS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and (one.dtype, one.shape) == (other.dtype, other.shape)
            and one.tobytes() == other.tobytes()
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    return type(one) is type(other) and one == other


@given(VALUES)
def test_round_trip(value: object) -> None:
    stream = BytesIO()
    wire.send(stream, value)
    stream.seek(0)
    assert same(value, wire.receive(stream))
    assert same(value, wire.check_plain(value))


class Text(str):
    """A string with behaviour."""


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1: 2},
        {"a": {2}},
        np.array(["a"]),
        np.array([None]),
        Text("a"),
        np.float64(1),
        {"__array__": 0},
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(wire.WireError):
        wire.send(BytesIO(), value)
    with pytest.raises(wire.WireError):
        wire.check_plain(value)


def frame(header: object, body: bytes = b"") -> BytesIO:
    text = json.dumps(header).encode()
    return BytesIO(struct.pack("<Q", len(text)) + text + body)


@pytest.mark.parametrize(
    "stream",
    [
        frame([]),
        frame({"body": 0}),
        frame({"body": 0, "arrays": [{"dtype": "object", "shape": []}]}),
        frame({"body": 0, "arrays": [{"dtype": "uint8", "shape": [-1]}]}),
        frame({"body": 0, "arrays": [{"dtype": "uint8", "shape": [2**40, 2**40]}]}),
        frame({"body": {"__array__": 0}, "arrays": []}),
        frame({"body": {"__array__": -1}, "arrays": [{"dtype": "uint8", "shape": [1]}]}, b"1"),
        BytesIO(struct.pack("<Q", 2**63)),
        BytesIO(struct.pack("<Q", 3) + b"{{{"),
    ],
)
def test_malformed_frames_are_refused(stream: BytesIO) -> None:
    with pytest.raises(wire.WireError):
        wire.receive(stream)


@pytest.mark.parametrize("cut", [0, 4, 12, -1])
def test_a_frame_that_ends_early(cut: int) -> None:
    stream = BytesIO()
    wire.send(stream, {"a": np.arange(9)})
    with pytest.raises(EOFError):
        wire.receive(BytesIO(stream.getvalue()[:cut]))
