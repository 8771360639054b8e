"""Saying in a few lines what was asked, what came back, and what is probably wrong."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from grading.protocol.finding import Finding
from grading.protocol.questions import StudentRaised

from .asked import split


class Unmet(AssertionError):
    """A property of the contract does not hold.

    Args:
        asked: see `tests.asked`.
    """

    def __init__(self, asked: str, got: str, hint: str) -> None:
        expectation, call = split(asked)
        self.finding = Finding(asked=expectation, call=call, got=got, hint=hint)
        super().__init__(asked, got, hint)

    def __str__(self) -> str:
        return str(self.finding)


def expect(holds: object, asked: str, got: object, hint: str) -> None:
    """Fail unless `holds`.

    Args:
        asked: what was asked of the student's code and what should be true of the answer; see `tests.asked`.
        got: what came back.
        hint: what is probably wrong.
    """
    if not holds:
        raise Unmet(asked, _shown(got), hint)


EXACT = 1e-9  # float64 and a different order of sums
SIX_DIGITS = 1e-6  # what the metrics' docstrings promise: float32 has seven
ALMOST = 1e-3  # an answer this close is the right formula, computed carelessly
Mistakes = Iterable[tuple[object, str]]  # what a common mistake leads to, and how to tell a student


def expect_close(
    got: object, wanted: object, asked: str, hint: str, *, mistakes: Mistakes = (), tolerance: float = EXACT
) -> None:
    """Fail unless two arrays are equal up to an absolute and relative tolerance; NaN equals NaN.

    Args:
        hint: what is probably wrong if none of the `mistakes` leads to just what came back.
    """
    right = np.asarray(wanted)
    try:
        answer = np.asarray(got)
    except ValueError:  # rows of different lengths
        answer = np.asarray(str(got))
    if answer.dtype.kind in "biuf" and _close(answer, right, tolerance):
        return
    if tolerance <= SIX_DIGITS and answer.dtype.kind == "f" and _close(answer, right, ALMOST):
        hint = f"it is almost right: no epsilon, no rounding; {hint}"
        expect(False, f"{asked} = {_shown(right)} to {tolerance:.0e}", _by_how_much(answer, right), hint)
    hint = next((why for wrong, why in mistakes if _close(answer, np.asarray(wrong), tolerance)), hint)
    expect(answer.dtype.kind in "biuf", f"{asked} = {_shown(right)}", got, hint)
    expect(answer.shape == right.shape, f"{asked}: shape {right.shape}", f"shape {answer.shape}", hint)
    expect(False, f"{asked} = {_shown(right)}", f"{_shown(answer)}{_where(answer, right, tolerance)}", hint)


def _where(answer: np.ndarray, right: np.ndarray, tolerance: float) -> str:
    """Where two arrays of one shape first differ, if they are too large to be shown."""
    if right.size <= SMALL:
        return ""
    apart = ~np.isclose(answer, right, rtol=tolerance, atol=tolerance, equal_nan=True)
    place = tuple(map(int, np.argwhere(apart)[0]))
    return f"; at {place}: {answer[place]}, not {right[place]}"


def _by_how_much(answer: np.ndarray, right: np.ndarray) -> str:
    return f"off by {np.nanmax(np.abs(answer - right)):.2g}"


def _close(left: np.ndarray, right: np.ndarray, tolerance: float) -> bool:
    return left.shape == right.shape and np.allclose(left, right, rtol=tolerance, atol=tolerance, equal_nan=True)


@contextmanager
def refused(asked: str, hint: str) -> Iterator[None]:
    """Fail unless the block ends with the student's code raising ValueError."""
    try:
        yield
    except StudentRaised as error:
        if "ValueError" in error.kinds:
            return
        raise Unmet(f"{asked}: ValueError", f"{error.kinds[0]}: {error.message}", hint) from None
    raise Unmet(f"{asked}: ValueError", "no error", hint)


@contextmanager
def accepted(hint: str, *kinds: str) -> Iterator[None]:
    """Give `hint` if the student's code raises on what the block asks, one of `kinds` or anything."""
    try:
        yield
    except StudentRaised as error:
        if not kinds or set(kinds) & set(error.kinds):
            error.hint = hint
        raise


def told_labels(labels: np.ndarray) -> str:
    """Dtype and values of labels, as in a call; of many, the shape and the range."""
    return f"{labels.dtype} {labels.tolist()}" if labels.size <= SMALL else _shown(labels)


SMALL = 36  # elements


def _shown(value: object) -> str:
    if isinstance(value, np.ndarray):
        if value.size > SMALL:
            low, high = float(value.min()), float(value.max())
            return f"{value.dtype} array of shape {value.shape}, min {low:.6g}, max {high:.6g}"
        return np.array2string(value, precision=6, separator=", ", max_line_width=60)
    return str(value)
