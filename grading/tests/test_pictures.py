"""Decoding in threads keeps the order, and never runs far ahead of the consumer of its results."""

import threading

import pytest

from grading.data.pictures import LOOK_AHEAD, in_threads

ITEMS = range(3 * LOOK_AHEAD + 5)


def test_every_result_comes_in_order() -> None:
    assert list(in_threads(lambda item: 2 * item, ITEMS)) == [2 * item for item in ITEMS]
    assert list(in_threads(str, [])) == []


def test_no_more_is_decoded_than_look_ahead_allows() -> None:
    """Otherwise a large data set would fill the memory if the disk is slower than the decoding."""
    decoded: list[int] = []
    lock = threading.Lock()

    def decode(item: int) -> int:
        with lock:
            decoded.append(item)
        return item

    for taken, _ in enumerate(in_threads(decode, ITEMS)):
        with lock:
            assert len(decoded) <= taken + LOOK_AHEAD
    assert sorted(decoded) == list(ITEMS)


def test_the_first_failure_in_order_is_the_one_that_is_seen() -> None:
    def decode(item: int) -> int:
        if item in (3, 7):
            raise ValueError(f"item {item}")
        return item

    with pytest.raises(ValueError, match="item 3"):
        list(in_threads(decode, ITEMS))
