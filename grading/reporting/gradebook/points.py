"""The points in a results.json."""

from collections.abc import Mapping
from math import fsum
from typing import Any

Document = Mapping[str, Any]
UNDECIDED = frozenset({"INCOMPLETE", "GRADER_ERROR"})  # tags of entries that say nothing about the submission


def points_by_question(document: Document) -> dict[str, tuple[float, float]]:
    """By question that the run graded, the points earned and those possible: tests, trainings and a person's mark.

    What is INCOMPLETE, an error of the grader's, or not marked yet does not count. A question of which nothing counts
    was not graded.
    """
    entries: dict[str, list[tuple[float, float]]] = {}
    for entry in document.get("tests", ()):
        if entry["tags"][1] in UNDECIDED:
            continue
        entries.setdefault(entry["tags"][0], []).append((entry["score"], entry["max_score"]))
    sums = {
        question: (fsum(earned for earned, _ in points), fsum(possible for _, possible in points))
        for question, points in entries.items()
    }
    return {question: points for question, points in sums.items() if points[1] > 0}


def total(document: Document) -> float | None:
    """The points of all questions; None if the run graded none."""
    points = points_by_question(document)
    return fsum(earned for earned, _ in points.values()) if points else None


def is_final(document: Document) -> bool:
    """Whether nothing is missing that this run was to grade."""
    tags = {entry["tags"][1] for entry in document.get("tests", ())}
    return bool(document["extra_data"].get("gives_no_verdict")) or not tags & UNDECIDED


def failed_tests(document: Document) -> Mapping[str, str]:
    """The outcomes of the tests that did not pass, by test id."""
    failed: Mapping[str, str] = document["extra_data"].get("failed_tests", {})
    return failed
