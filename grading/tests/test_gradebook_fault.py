"""A submission that could not be graded has the same files as any other."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from grading.reporting.fault import GRADER, SUBMISSION, Fault, fault_document, write_fault
from grading.tests.gradebook_documents import ASSIGNMENT
from grading.tests.test_reporting import NASTY


def fault(of: str, finding: str = "heads.py is a link", submission: str = "mia") -> Fault:
    return Fault(submission, "mini", finding, of, ASSIGNMENT, ASSIGNMENT.configurations)


def test_the_submission_earns_nothing_of_what_there_was() -> None:
    document = fault_document(fault(SUBMISSION))
    assert document["score"] == sum(entry["score"] for entry in document["tests"]) == 0
    possible = sum(q.points for q in ASSIGNMENT.questions if not q.discussion)
    assert sum(entry["max_score"] for entry in document["tests"]) == possible
    assert document["output"].splitlines()[-1] == "heads.py is a link"
    extra = document["extra_data"]
    assert (extra["profile"], extra["submission"]) == ("mini", "mia")
    assert extra["configurations"] == extra["relations"] == []
    assert extra["fault"] == {"of": "submission", "finding": "heads.py is a link"}


def test_the_grader_s_fault_takes_no_points() -> None:
    document = fault_document(fault(GRADER))
    assert {entry["max_score"] for entry in document["tests"]} == {0.0}
    assert "nothing is said about this submission" in document["output"]


@pytest.mark.parametrize(("of", "kind"), [(SUBMISSION, "failure"), (GRADER, "error")])
def test_the_five_files(tmp_path: Path, of: str, kind: str) -> None:
    write_fault(fault(of), tmp_path / "mia")
    assert {file.name for file in (tmp_path / "mia").iterdir()} == {
        "results.json",
        "report.html",
        "junit.xml",
        "history.csv",
        "student.html",
    }
    assert json.loads((tmp_path / "mia/results.json").read_text()) == fault_document(fault(of))
    assert ElementTree.parse(tmp_path / "mia/junit.xml").find(f"testsuite/testcase/{kind}") is not None
    (header,) = csv.reader((tmp_path / "mia/history.csv").read_text().splitlines())
    assert header[:4] == ["configuration", "seed", "epoch", "loss"]
    assert "heads.py is a link" in (tmp_path / "mia/report.html").read_text()
    # What went wrong in the grader is for the instructor.
    assert ("heads.py is a link" in (tmp_path / "mia/student.html").read_text()) == (of == SUBMISSION)


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_any_text_can_be_written(tmp_path: Path, text: str) -> None:
    write_fault(fault(SUBMISSION, text, text[:1000]), tmp_path)
    json.loads((tmp_path / "results.json").read_text("utf-8"))
    ElementTree.parse(tmp_path / "junit.xml")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert page.replace("\n", "").isprintable()
