"""How hard each question and each test is for a class, and how well it separates strong submissions from weak ones."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from grading.assignment.assignment import Assignment
from grading.assignment.test_ids import listed_tests
from grading.reporting.gradebook.points import Document, failed_tests, points_by_question, total

FEWEST = 10  # submissions, for a correlation to say anything
DIGITS = 9  # beyond which sums of points differ by rounding alone


@dataclass(frozen=True)
class Item:
    """A question or a test.

    Attributes:
        submissions: how many were graded in it.
        lost: how many of them did not earn all of its points.
        mean: the mean share of its points.
        separation: see `separation`.
    """

    id: str
    submissions: int
    lost: int
    mean: float
    separation: float | None


def separation(shares: Sequence[float], rests: Sequence[float]) -> float | None:
    """The correlation between an item and the rest of the total, the corrected item-total correlation.

    For an item that is passed (1) or not (0) it is the point-biserial correlation, (m1 - m0) / s * sqrt(p q): m1 and m0
    are the mean rests of those who passed and of those who did not, p and q their shares, and s is the standard
    deviation of all rests (dividing by n). Source: S. Henrysson, "Correction of item-total correlations in item
    analysis", Psychometrika 28 (1963), 211-218.

    Args:
        shares: of the item's points, by submission.
        rests: the total without the item's own points, by submission.

    Returns:
        -1 to 1; None for fewer than FEWEST submissions, or if all shares or all rests are equal.
    """
    columns = np.round([shares, rests], DIGITS)
    if columns.shape[1] < FEWEST or (np.ptp(columns, axis=1) == 0).any():
        return None
    return float(np.corrcoef(columns)[0, 1])


def question_items(documents: Sequence[Document], assignment: Assignment) -> list[Item]:
    """The questions that were graded, in the assignment's order, by the submissions that were graded wholly in them."""
    points = [points_by_question(document) for document in documents]
    totals = [fsum(earned for earned, _ in questions.values()) for questions in points]
    items = []
    for question in assignment.questions:
        graded = [
            (questions[question.id][0], questions[question.id][1], whole)
            for questions, whole, undecided in zip(points, totals, map(_undecided, documents), strict=True)
            if question.id in questions and question.id not in undecided
        ]
        if graded:
            shares = [earned / possible for earned, possible, _ in graded]
            items.append(_item(question.id, shares, [whole - earned for earned, _, whole in graded]))
    return items


def test_items(documents: Sequence[Document], assignment: Assignment) -> list[Item]:
    """The tests that somebody failed, most failures first. Submissions that the grader could not test do not count."""
    listed = listed_tests()
    count = Counter(listed.values())
    worth = {
        question.id: question.test_points / count[question.id]
        for question in assignment.questions
        if count[question.id]
    }
    tested = {question: [d for d in documents if _is_tested(d, question, listed)] for question in worth}
    failed = {id for document in documents for id in failed_tests(document)}
    items = []
    for id, question in listed.items():
        if id in failed and tested.get(question):
            shares = [float(id not in failed_tests(document)) for document in tested[question]]
            totals = [total(document) or 0.0 for document in tested[question]]
            rests = [whole - share * worth[question] for whole, share in zip(totals, shares, strict=True)]
            items.append(_item(id, shares, rests))
    return sorted(items, key=lambda item: -item.lost)


def _undecided(document: Document) -> set[str]:
    """The questions of which the grader could not decide a part."""
    return {entry["tags"][0] for entry in document["tests"] if entry["tags"][1] in ("INCOMPLETE", "GRADER_ERROR")}


def _is_tested(document: Document, question: str, listed: Mapping[str, str]) -> bool:
    """Whether the tests of a question count in a results.json."""
    if not document["extra_data"].get("tests") or question not in points_by_question(document):
        return False
    failed = failed_tests(document)
    return not any(outcome == "GRADER_ERROR" and listed.get(id) == question for id, outcome in failed.items())


def _item(id: str, shares: Sequence[float], rests: Sequence[float]) -> Item:
    lost = sum(share < 1 - 10**-DIGITS for share in shares)
    return Item(id, len(shares), lost, fsum(shares) / len(shares), separation(shares, rests))
