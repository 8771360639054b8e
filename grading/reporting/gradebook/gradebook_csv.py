"""gradebook.csv: a row for each student, a column for each question."""

from collections.abc import Iterable

from grading.assignment.assignment import Assignment
from grading.reporting.gradebook.attention import reasons
from grading.reporting.gradebook.cells import csv_text
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.points import points_by_question, total


def gradebook_csv(graded: Iterable[Graded], assignment: Assignment) -> str:
    """The file's text.

    A question that a run did not grade is empty; `total` is the sum before rounding; `late` is `yes` or empty.
    """
    questions = [question.id for question in assignment.questions]
    rows: list[list[str | float | None]] = [["student", *questions, "total", "needs_a_person", "late"]]
    for one in graded:
        points = points_by_question(one.document)
        earned = [points[question][0] if question in points else None for question in questions]
        why = "; ".join(reason.text for reason in reasons(one))
        rows.append([one.hand_in.student, *earned, total(one.document), why, "yes" if one.hand_in.late else ""])
    return csv_text(rows)
