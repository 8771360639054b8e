"""gradebook.csv: one row for each submission, and why it needs a person."""

import csv
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from grading.reporting.fault import GRADER, SUBMISSION, Fault, fault_document
from grading.reporting.gradebook.gradebook_csv import gradebook_csv
from grading.reporting.gradebook.graded import Graded
from grading.tests.gradebook_documents import ASSIGNMENT, document, graded, of_question


def rows(*class_: Graded) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(gradebook_csv(class_, ASSIGNMENT), newline="")))


def faulty(of: str) -> Graded:
    configurations = [c for c in ASSIGNMENT.configurations if c.question == "Q2-3"]
    fault = Fault("s", "mini", "heads.py is a link", of, ASSIGNMENT, configurations)
    return graded("mia", fault_document(fault), fault="heads.py is a link")


def test_columns() -> None:
    header = gradebook_csv([], ASSIGNMENT).strip().split(",")
    assert header == ["student", *(question.id for question in ASSIGNMENT.questions), "total", "needs_a_person", "late"]


def test_what_the_platform_marks_as_late() -> None:
    in_time = graded("mia", document())
    late = replace(in_time, hand_in=replace(in_time.hand_in, late=True))
    assert [row["late"] for row in rows(in_time, late)] == ["", "yes"]


def test_points_of_tests_trainings_and_marks() -> None:
    content = document({"Q2-3-merged": "FAIL"}, texts={"Q2-4": "It rose."}, marks={"Q2-4": 7.5})
    (row,) = rows(graded("mia", content))
    assert (row["Q1-1"], row["Q2-3"], row["Q2-4"], row["total"]) == ("5", "7.5", "7.5", "20")
    assert row["Q1-2"] == row["Q2-2"] == ""
    assert row["needs_a_person"] == ""


def test_the_total_is_the_score_that_the_student_reads() -> None:
    """Its parts are rounded each by itself; it is not their sum."""
    content = document(failed=[*of_question("Q1-1", 5), *of_question("Q2-3", 7)])
    (row,) = rows(graded("mia", content))
    assert float(row["total"]) == round(content["score"], 2)
    assert all(len(row[question].partition(".")[2]) <= 2 for question in ("Q1-1", "Q2-3", "total"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (document({"Q1-1": "REVIEW"}), "Q1-1 REVIEW"),
        (document({"Q1-1": "REVIEW"}, marks={"Q1-1": 1}), ""),
        (document({"Q1-1": "INCOMPLETE", "Q1-8": "REVIEW"}), "Q1-1 INCOMPLETE; Q1-8 REVIEW"),
        (document({"Q1-1": "FAIL"}), ""),
        (document(texts={"Q1-4": "x", "Q2-2": "y"}, marks={"Q2-2": 0}), "Q1-4 to be marked"),
        (document(failed={of_question("Q2-3")[0]: "GRADER_ERROR"}), "Q2-3 tests GRADER_ERROR"),
    ],
)
def test_why_a_person_is_needed(content: dict[str, Any], why: str) -> None:
    assert rows(graded("mia", content))[0]["needs_a_person"] == why


def test_distrusted_metrics_are_named() -> None:
    content = document({"Q1-1": "REVIEW"})
    content["extra_data"]["configurations"][0]["distrusted"] = "too good"
    assert rows(graded("mia", content))[0]["needs_a_person"] == "Q1-1 REVIEW, distrusted"


@pytest.mark.parametrize(("of", "points"), [(SUBMISSION, "0"), (GRADER, "")])
def test_a_fault_of_the_submission_earns_nothing_and_one_of_the_grader_says_nothing(of: str, points: str) -> None:
    (row,) = rows(faulty(of))
    assert (row["Q2-3"], row["total"], row["Q1-1"]) == (points, points, "")
    assert row["needs_a_person"] == "not graded: heads.py is a link"


def test_a_hostile_name_is_a_text() -> None:
    text = gradebook_csv([graded("=HYPERLINK(1)", document()), graded("@x", document())], ASSIGNMENT)
    assert "\n'=HYPERLINK(1)," in text
    assert "\n'@x," in text
