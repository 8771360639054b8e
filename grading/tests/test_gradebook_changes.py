"""changes.csv: whose points changed, and through what."""

from typing import Any

from grading.reporting.fault import SUBMISSION, Fault, fault_document
from grading.reporting.gradebook.changes_csv import Change, changes, changes_csv
from grading.tests.gradebook_documents import ASSIGNMENT, document, of_question

TEST = of_question("Q1-1")[0]
PART = 2.5 / len(of_question("Q1-1"))


def change(before: dict[str, Any] | None, after: dict[str, Any]) -> list[Change]:
    return changes("mia", before, after)


def test_nothing_changed() -> None:
    assert change(document(texts={"Q1-4": "x"}), document(texts={"Q1-4": "x"})) == []


def test_newly_graded() -> None:
    assert [(row.question, row.before, row.after, row.through) for row in change(None, document())] == [
        ("Q1-1", None, 5.0, "newly graded"),
        ("Q2-3", None, 10.0, "newly graded"),
    ]


def test_a_test() -> None:
    (row,) = change(document(), document(failed=[TEST]))
    assert row.through == f"test {TEST} PASS -> FAIL"
    assert (row.question, row.before) == ("Q1-1", 5.0)
    assert row.after is not None
    assert abs(row.after - (5 - PART)) < 1e-9
    (row,) = change(document(failed=[TEST]), document(failed={TEST: "TIMEOUT"}))
    assert row.through == f"test {TEST} FAIL -> TIMEOUT"


def test_a_verdict_and_a_mark() -> None:
    (row,) = change(document({"Q2-3-merged": "FAIL"}), document())
    assert (row.question, row.before, row.after) == ("Q2-3", 7.5, 10.0)
    assert row.through == "Q2-3-merged FAIL -> PASS"
    texts = {"Q1-4": "x"}
    (row,) = change(document(texts=texts, marks={"Q1-4": 3}), document(texts=texts, marks={"Q1-4": 4}))
    assert (row.question, row.through) == ("Q1-4", "mark 3 -> 4")
    (row,) = change(document(texts=texts), document(texts=texts, marks={"Q1-4": 4}))
    assert (row.before, row.after, row.through) == (None, 4.0, "mark none -> 4")
    (row,) = change(document({"Q2-3-merged": "REVIEW"}), document({"Q2-3-merged": "REVIEW"}, marks={"Q2-3-merged": 1}))
    assert row.through == "mark of Q2-3-merged none -> 1"


def test_a_verdict_that_changes_no_points_is_told() -> None:
    (row,) = change(document(), document({"Q1-1": "REVIEW"}))
    assert (row.before, row.after, row.through) == (5.0, 5.0, "Q1-1 PASS -> REVIEW")


def test_another_submission() -> None:
    (row,) = change(document(submission="a"), document({"Q1-1": "FAIL"}, submission="b"))
    assert row.through == "submission changed; Q1-1 PASS -> FAIL"
    assert change(document(submission="a"), document(submission="b")) == []


def test_a_submission_that_cannot_be_graded_any_more() -> None:
    configurations = [ASSIGNMENT.configuration(id) for id in ("Q1-1", "Q2-3-merged", "Q2-3-first-three")]
    fault = fault_document(Fault("s1", "mini", "no", SUBMISSION, ASSIGNMENT, configurations))
    rows = change(document(), fault)
    assert [(row.question, row.before, row.after) for row in rows] == [("Q1-1", 5.0, 0.0), ("Q2-3", 10.0, 0.0)]
    assert all("can no longer be graded" in row.through for row in rows)
    assert all("could not be graded before" in row.through for row in change(fault, document()))


def test_results_of_an_earlier_version() -> None:
    """They do not say which tests failed."""
    old, new = document(failed=[TEST]), document()
    for key in ("tests", "failed_tests", "to_mark", "marks"):
        del old["extra_data"][key]
    (row,) = change(old, new)
    assert row.through == "other tests or points than before"


def test_other_possible_points() -> None:
    old = document()
    old["tests"][0]["max_score"] = old["tests"][0]["score"] = 1.0
    (row,) = change(old, document())
    assert row.through == "possible points 3.5 -> 5"


def test_many_tests_are_counted() -> None:
    (row,) = change(document(), document(failed=of_question("Q1-1")))
    assert row.through.count("test tests/") == 20
    assert row.through.endswith(f"; {len(of_question('Q1-1')) - 20} more tests")


def test_the_file() -> None:
    rows = [
        Change("=mia", "Q1-1", 5.0, 2.5, "x"),
        Change("ben", "Q1-4", None, 4.0, "y"),
        Change("c", "Q1-4", 4.0, None, "z"),
    ]
    assert changes_csv(rows) == (
        "student,question,before,after,difference,through\n'=mia,Q1-1,5,2.5,-2.5,x\nben,Q1-4,,4,4,y\nc,Q1-4,4,,-4,z\n"
    )
