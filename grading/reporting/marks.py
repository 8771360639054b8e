"""What a person decides about a submission, and what there is to decide."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from grading.reporting.rounding import rounded, student_reason
from grading.verdicts.outcome import Outcome

if TYPE_CHECKING:
    from grading.reporting.results import Results

DISCUSSION, REVIEW = "discussion", "review"
LENGTH = 8  # letters of a checksum
LETTERS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")


@dataclass(frozen=True)
class Mark:
    """The points that a person gives for one item: a discussion question, or a configuration.

    Attributes:
        comment: for the student; may be empty.
        about: the checksum of what was marked (`ToMark.about`); empty for whatever is there.
    """

    points: float
    comment: str = ""
    about: str = ""


@dataclass(frozen=True)
class ToMark:
    """Something that a person marks.

    Attributes:
        item: the id of a discussion question or of a configuration.
        kind: `discussion` or `review`.
        about: a checksum of what is to be marked: the text, or the evidence of the verdict.
    """

    item: str
    kind: str
    max_points: float
    about: str


def to_mark(results: "Results") -> list[ToMark]:
    """The discussion questions that have a text, and the configurations whose verdict is REVIEW."""
    discussions = [
        ToMark(question.id, DISCUSSION, question.points, checksum(results.discussion[question.id]))
        for question in results.discussed
        if question.id in results.discussion
    ]
    reviews = [
        ToMark(id, REVIEW, results.plan.assignment.possible_points(outcome.configuration), checksum(_evidence(outcome)))
        for id, outcome in results.outcomes.items()
        if outcome.verdict == "REVIEW"
    ]
    return discussions + reviews


def marked(results: "Results", marks: Mapping[str, Mark]) -> "Results":
    """The results with those of a student's marks that fit.

    Args:
        marks: by item. A mark fits if it is about what is there now, or says nothing about it.
    """
    now = {thing.item: thing.about for thing in to_mark(results)}
    items = {*results.outcomes, *(question.id for question in results.discussed)}
    fitting = {item: mark for item, mark in marks.items() if item in items and mark.about in ("", now.get(item))}
    return replace(results, marks=fitting)


def checksum(text: str) -> str:
    """A short checksum of a text: letters alone, as spreadsheets take `12e45678` and `00012345` for numbers."""
    digits = sha256(text.encode("utf-8", errors="backslashreplace")).hexdigest()[:LENGTH]
    return digits.translate(LETTERS)


def _evidence(outcome: Outcome) -> str:
    """What a verdict rests on, as students may read it: a checksum of exact metrics would give them away."""
    metric = outcome.configuration.metric
    tails = [rounded(run.tail(metric)) for run in outcome.finished]
    return f"{outcome.verdict}\n{student_reason(outcome)}\n{tails}"
