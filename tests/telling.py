"""What a student reads of a failure: the question, what was asked, what came back, a hint, the input."""

import re

import pytest
from hypothesis.errors import FlakyFailure

from grading.protocol.questions import StudentRaised

from .expect import Unmet
from .raised import usual_meaning

FRAMES = 3  # of the student's own, innermost


def question_of(item: pytest.Item) -> str | None:
    """From the marker, such as Q1-1."""
    names = [mark.name for mark in item.iter_markers() if mark.name.startswith("q")]
    return names[0].replace("_", "-").upper() if names else None


def message_of(item: pytest.Item, error: BaseException, submission: str) -> str:
    """The message in place of a traceback.

    Args:
        submission: its name, in place of the folders of its files.
    """
    doc = item.function.__doc__ or item.name  # type: ignore[attr-defined]
    notes = getattr(error, "__notes__", [])
    lines = [f"{question_of(item)}: {doc}"]
    if isinstance(error, StudentRaised):
        lines += [f"got:   {error.kinds[0]}: {error.message}", *_frames(error, submission)]
        lines.append(next((note for note in notes if note.startswith("hint:")), f"hint:  {usual_meaning(error)}"))
    else:
        lines.append(str(error))
    lines += [f"input: {_example(note)}" for note in notes if "student=" in note]
    return "\n".join(lines)


NOT_AGAIN = "asked the same again, it did not do this: nothing may be random, or remembered from one call to the next"


def repeatable(error: BaseException) -> BaseException:
    """The failure itself where hypothesis reports that it did not come back, with a hint that says so."""
    if not isinstance(error, FlakyFailure):
        return error
    first = error.exceptions[0]
    failure: BaseException
    if isinstance(first, StudentRaised):
        failure = StudentRaised(first.kinds, first.message, first.frames)
        failure.add_note(f"hint:  {NOT_AGAIN}")
    elif isinstance(first, Unmet):
        failure = Unmet(f"{str(first).partition(chr(10) + 'hint:')[0]}\nhint:  {NOT_AGAIN}")
    else:
        return error
    for note in getattr(error, "__notes__", []):
        failure.add_note(note)
    return failure


def _frames(error: StudentRaised, submission: str) -> list[str]:
    """Where it happened, as `submission/file.py:12 in function: source line`."""
    folder = re.compile(r"^ *.*/(?=[^/]+\.py:\d)")
    # A function: the name of a submission is no template.
    return [folder.sub(lambda _: f"       {submission}/", frame) for frame in error.frames[-FRAMES:]]


def _example(note: str) -> str:
    """The arguments in hypothesis's note of a failing example, on one line."""
    arguments = note[note.index("student=") : note.rindex(")")]
    _, _, drawn = " ".join(arguments.split()).partition(", ")
    return drawn if len(drawn) < 500 else f"{drawn[:500]}..."
