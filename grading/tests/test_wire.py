"""Only plain data crosses between processes."""

import json
import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grading.protocol import wire
from grading.protocol.text import LETTERS

ARRAYS = st.sampled_from(sorted(wire.DTYPES)).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text() | ARRAYS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


def same(first: object, second: object) -> bool:
    if isinstance(first, np.ndarray):
        return (
            isinstance(second, np.ndarray)
            and (first.dtype, first.shape) == (second.dtype, second.shape)
            and first.tobytes() == second.tobytes()
        )
    if isinstance(first, list):
        return isinstance(second, list) and len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict):
        return (
            isinstance(second, dict) and first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
        )
    return type(first) is type(second) and first == second


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
        2**64,
        [-(2**63) - 1],
        [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],
    ],
)
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(wire.WireError):
        wire.send(BytesIO(), value)
    with pytest.raises(wire.WireError):
        wire.check_plain(value)


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


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
        frame({"body": {"__array__": True}, "arrays": [{"dtype": "uint8", "shape": [1]}]}, b"1"),
        frame({"body": {"__array__": 0, "more": 0}, "arrays": [{"dtype": "uint8", "shape": [1]}]}, b"1"),
        frame({"body": 0, "arrays": [{"dtype": "uint8", "shape": [True]}]}, b"1"),
        frame({"body": 0, "arrays": [{"dtype": "uint8", "shape": [0, 2**39, 2**39]}]}),
        frame({"body": 0, "arrays": [{"dtype": "float64", "shape": [2**39, 0, 2**39, 7]}]}),
        frame({"body": 0, "arrays": [{"dtype": "uint8", "shape": [1] * 65}]}),
        frame({"body": 0, "arrays": [{"dtype": "bool", "shape": [2]}]}, b"\1\2"),
        frame({"body": 2**64, "arrays": []}),
        frame({"body": [-(2**63) - 1], "arrays": []}),
        frame({"body": {"a": "nested"}, "arrays": [["uint8", [1]]]}),
        frame({"body": nested(wire.MAX_DEPTH + 1), "arrays": []}),
        BytesIO(struct.pack("<Q", 9) + b'"\xff\xfe\x00"'.ljust(9)),
        BytesIO(struct.pack("<Q", 200_000) + b"[" * 200_000),
        BytesIO(struct.pack("<Q", 5000) + b"9" * 5000),
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


NAMES = ["__array__", "dtype", "shape", "body", "arrays", "\ud800"]
# Values that a frame may hold in a wrong place.
ODD_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 8, 2**31, 2**39, 2**40, 2**63, 2**64, 10**4299])
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=5)
    | st.sampled_from([*wire.DTYPES, "object", "body", "arrays"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
)
SIDES = st.sampled_from([0, 1, 2, 3, 2**31, 2**39, 2**40 - 1, True, -1, 1.0, None])
SPEC = {"dtype": st.sampled_from(sorted(wire.DTYPES)) | ODD_VALUES, "shape": st.lists(SIDES) | ODD_VALUES}
SPECS = st.fixed_dictionaries(SPEC) | ODD_VALUES
HEADERS = st.fixed_dictionaries({"body": ODD_VALUES, "arrays": st.lists(SPECS, max_size=4) | ODD_VALUES}) | ODD_VALUES


def expect_refused_or_plain(data: bytes) -> None:
    """A frame is refused, or its value is plain and can be written as JSON."""
    try:
        value = wire.receive_claim(BytesIO(data), max_arrays=2**20)
    except (wire.WireError, EOFError):
        return
    wire.check_plain(value)
    json.dumps(value, default=repr, ensure_ascii=False).encode()


@settings(max_examples=1000)
@given(HEADERS, st.binary(max_size=64))
def test_a_frame_may_hold_anything(header: object, body: bytes) -> None:
    expect_refused_or_plain(frame(header, body).getvalue())


@settings(max_examples=500)
@given(st.binary(max_size=200), st.integers(0, 220))
def test_any_bytes_may_come(data: bytes, length: int) -> None:
    expect_refused_or_plain(data)
    expect_refused_or_plain(struct.pack("<Q", length) + data)


@settings(max_examples=500)
@given(VALUES, st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=3), st.data())
def test_any_bytes_may_change_on_the_way(value: object, changes: list[tuple[int, int]], data: st.DataObject) -> None:
    stream = BytesIO()
    wire.send(stream, value)
    sent = bytearray(stream.getvalue())
    for place, byte in changes:
        sent[place % len(sent)] = byte
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(sent)), st.integers(0, len(sent)))))
    expect_refused_or_plain(bytes(sent[:start] + sent[end:]))


def test_the_header_of_a_claim_is_limited() -> None:
    """Parsed JSON takes many times the memory of its text: the grader's own frames may be long, claims may not."""
    long = frame({"body": [[]] * (wire.MAX_CLAIM // 4), "arrays": []})
    assert len(wire.receive(long)) == wire.MAX_CLAIM // 4
    long.seek(0)
    with pytest.raises(wire.WireError, match="a header of"):
        wire.receive_claim(long, 2**20)


def test_only_texts_of_a_claim_are_cleaned() -> None:
    nasty = {"\x1b[2J": ["\ud800", "\u202e", "x" * 10**5]}
    stream = frame({"body": nasty, "arrays": []})
    assert wire.receive(stream) == nasty
    stream.seek(0)
    assert wire.receive_claim(stream, 0) == {r"\x1b[2J": [r"\ud800", r"\u202e", "x" * LETTERS + "..."]}


def test_arrays_of_another_byte_order() -> None:
    stream = BytesIO()
    wire.send(stream, np.arange(3, dtype=">i8"))
    stream.seek(0)
    assert wire.receive(stream).tolist() == [0, 1, 2]
