"""changes.csv: whose points have changed since the last run, and through what."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grading.assignment.assignment import CONTROL
from grading.assignment.test_ids import listed_tests
from grading.protocol.text import number
from grading.reporting.gradebook.cells import csv_text
from grading.reporting.gradebook.points import Document, failed_tests, points_by_question

COLUMNS = ("student", "question", "before", "after", "difference", "through")
LEAST = 0.005  # what two decimals show
MOST_TESTS = 20  # that are named in one cell
NO_OUTCOME = "GRADER_ERROR"


@dataclass(frozen=True)
class Change:
    """One question of one student.

    Attributes:
        before, after: points; None if the question was not graded.
        through: the tests, verdicts and marks that changed.
    """

    student: str
    question: str
    before: float | None
    after: float | None
    through: str


def changes_csv(changes: Iterable[Change]) -> str:
    """The file's text."""
    rows = [
        [c.student, c.question, c.before, c.after, (c.after or 0.0) - (c.before or 0.0), c.through] for c in changes
    ]
    return csv_text([COLUMNS, *rows])


def changes(student: str, before: Document | None, after: Document) -> list[Change]:
    """The questions of which points, verdicts or marks differ between two results.json of a student.

    Args:
        before: None if there was none.
    """
    points_before = {} if before is None else points_by_question(before)
    points_after = points_by_question(after)
    causes = {} if before is None else _causes(before, after)
    rows = []
    for question in dict.fromkeys([*points_after, *points_before, *causes]):
        old, new = points_before.get(question), points_after.get(question)
        through = causes.get(question, [])
        differs = (old is None) != (new is None) or abs(_earned(new) - _earned(old)) >= LEAST
        if not differs and not through:
            continue
        if before is None:
            through = ["newly graded"]
        elif _submission(before) != _submission(after):
            through = ["submission changed", *through]
        elif old is not None and new is not None and old[1] != new[1]:
            through = [*through, f"possible points {number(old[1])} -> {number(new[1])}"]
        unknown = "other tests or points than before"
        rows.append(Change(student, question, old and old[0], new and new[0], "; ".join(through) or unknown))
    return rows


def _earned(points: tuple[float, float] | None) -> float:
    return 0.0 if points is None else points[0]


def _submission(document: Document) -> Any:
    return document["extra_data"].get("submission_sha256")


def _causes(before: Document, after: Document) -> dict[str, list[str]]:
    """By question, what differs."""
    causes: dict[str, list[str]] = {}
    for question, cause in [*_faults(before, after), *_verdicts(before, after), *_marks(before, after)]:
        causes.setdefault(question, []).append(cause)
    for question, tests in _tests(before, after).items():
        rest = len(tests) - MOST_TESTS
        more = [f"{rest} more tests"] if rest > 0 else []
        causes[question] = [*tests[:MOST_TESTS], *more, *causes.get(question, [])]
    return causes


def _tests(before: Document, after: Document) -> dict[str, list[str]]:
    """The tests whose outcome differs, by question. Those that did not end, or no longer exist, say nothing."""
    if not before["extra_data"].get("tests") or not after["extra_data"].get("tests"):
        return {}
    old, new = failed_tests(before), failed_tests(after)
    different: dict[str, list[str]] = {}
    for id, question in listed_tests().items():
        was, now = old.get(id, "PASS"), new.get(id, "PASS")
        if was != now and NO_OUTCOME not in (was, now):
            different.setdefault(question, []).append(f"test {id} {was} -> {now}")
    return different


def _verdicts(before: Document, after: Document) -> Iterator[tuple[str, str]]:
    """The configurations whose verdict differs."""
    old, new = _by_id(before), _by_id(after)
    for id in dict.fromkeys([*old, *new]):
        was, now = (side[id]["verdict"] if id in side else "not graded" for side in (old, new))
        if was != now and not id.endswith(CONTROL):
            yield (new.get(id) or old[id])["question"], f"{id} {was} -> {now}"


def _by_id(document: Document) -> dict[str, Mapping[str, Any]]:
    return {configuration["id"]: configuration for configuration in document["extra_data"]["configurations"]}


def _marks(before: Document, after: Document) -> Iterator[tuple[str, str]]:
    """The marks that differ, with the item's name if it is no question."""
    old, new = (document["extra_data"].get("marks", {}) for document in (before, after))
    questions = {id: configuration["question"] for id, configuration in (_by_id(before) | _by_id(after)).items()}
    for item in dict.fromkeys([*old, *new]):
        was, now = (number(side[item]) if item in side else "none" for side in (old, new))
        if was != now:
            of = f" of {item}" if questions.get(item, item) != item else ""
            yield questions.get(item, item), f"mark{of} {was} -> {now}"


def _faults(before: Document, after: Document) -> Iterator[tuple[str, str]]:
    """Whether the submission could not be graded before, or cannot any more."""
    old, new = ("fault" in document["extra_data"] for document in (before, after))
    if old != new:
        for question in dict.fromkeys([*points_by_question(before), *points_by_question(after)]):
            yield question, "could not be graded before" if old else "can no longer be graded"
