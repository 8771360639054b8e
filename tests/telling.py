"""What a student reads of a failure: the question, what was asked, what came back, a hint, the input."""

import re
from dataclasses import replace

import pytest
from hypothesis.errors import FlakyFailure

from grading.protocol.finding import Finding
from grading.protocol.questions import StudentRaised

from .expect import Unmet
from .raised import usual_meaning

FRAMES = 3  # of the student's own, innermost


def question_of(item: pytest.Item) -> str | None:
    """From the marker, such as Q1-1."""
    names = [mark.name for mark in item.iter_markers() if mark.name.startswith("q")]
    return names[0].replace("_", "-").upper() if names else None


def finding_of(item: pytest.Item, error: BaseException, submission: str) -> Finding:
    """The finding in place of a traceback.

    Args:
        submission: its name, in place of the folders of its files.
    """
    doc = item.function.__doc__ or item.name  # type: ignore[attr-defined]
    notes = getattr(error, "__notes__", [])
    return replace(
        _what_happened(error, submission),
        title=f"{question_of(item)}: {doc}",
        inputs=tuple(_example(note) for note in notes if "student=" in note),
    )


def _what_happened(error: BaseException, submission: str) -> Finding:
    match error:
        case Unmet():
            return error.finding
        case StudentRaised():
            raised = f"{error.kinds[0]}: {error.message}"
            return Finding(got=raised, frames=_frames(error, submission), hint=error.hint or usual_meaning(error))
    return Finding(got=str(error))


NOT_AGAIN = "asked the same again, it did not do this: nothing may be random, or remembered from one call to the next"


def unwrapped_flaky(error: BaseException) -> BaseException:
    """The first failure, with a hint, if hypothesis reports that it did not come back; else the error itself."""
    if not isinstance(error, FlakyFailure):
        return error
    failure: BaseException
    match error.exceptions[0]:
        case StudentRaised() as first:
            failure = StudentRaised(first.kinds, first.message, first.frames)
            failure.hint = NOT_AGAIN
        case Unmet() as first:
            failure = Unmet(*first.args)
            failure.finding = replace(first.finding, hint=NOT_AGAIN)
        case _:
            return error
    for note in getattr(error, "__notes__", []):
        failure.add_note(note)
    return failure


def _frames(error: StudentRaised, submission: str) -> tuple[str, ...]:
    """Where it happened, as `submission/file.py:12 in function: source line`."""
    folder = re.compile(r"^ *.*[/\\](?=[^/\\]+\.py:\d)")
    # A function, so that a backslash in the name is not read as a group.
    return tuple(folder.sub(lambda _: f"{submission}/", frame) for frame in error.frames[-FRAMES:])


def _example(note: str) -> str:
    """The arguments in hypothesis's note of a failing example, on one line."""
    arguments = note[note.index("student=") : note.rindex(")")]
    _, _, drawn = " ".join(arguments.split()).partition(", ")
    drawn = drawn.rstrip(",")
    return drawn if len(drawn) < 500 else f"{drawn[:500]}..."
