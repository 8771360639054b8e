"""The files of a submission that could not be graded: the same files as of one that was."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from grading.assignment.assignment import Assignment, Configuration
from grading.assignment.files import write_whole
from grading.protocol.text import cleaned
from grading.reporting.history import HEADER
from grading.reporting.page import page

SUBMISSION, GRADER = "submission", "grader"


@dataclass(frozen=True)
class Fault:
    """Why a submission could not be graded.

    Attributes:
        submission: its name.
        finding: what is wrong, for the student.
        of: `submission`, which then earns 0 of its points, or `grader`: then nothing is said about the submission.
        configurations: those that were to be trained.
    """

    submission: str
    profile: str
    finding: str
    of: str
    assignment: Assignment
    configurations: Sequence[Configuration]


def fault_document(fault: Fault) -> dict[str, Any]:
    """The content of results.json."""
    finding = cleaned(fault.finding)
    return {
        "score": 0.0,
        "execution_time": 0.0,
        "output": f"{_title(fault)}\n{finding}",
        "tests": _entries(fault),
        "extra_data": {
            "profile": fault.profile,
            "submission": fault.submission,
            "configurations": [],
            "controls": [],
            "relations": [],
            "tests": 0,
            "failed_tests": {},
            "to_mark": [],
            "marks": {},
            "fault": {"of": fault.of, "finding": finding},
        },
    }


def write_fault(fault: Fault, out: Path) -> None:
    """Write results.json, report.html, student.html, junit.xml and history.csv into `out`, each whole."""
    out.mkdir(parents=True, exist_ok=True)
    finding = cleaned(fault.finding)
    for name, text in {
        "history.csv": _history_csv(),
        "junit.xml": _junit_xml(fault),
        "report.html": _page(fault, finding),
        "results.json": json.dumps(fault_document(fault), indent=2) + "\n",
        # What went wrong in the grader is for the instructor.
        "student.html": _page(fault, "" if fault.of == GRADER else finding),
    }.items():
        write_whole(out / name, text)


def _page(fault: Fault, finding: str) -> str:
    return page("templates/fault.html", fault=fault, title=_title(fault), finding=finding)


def _title(fault: Fault) -> str:
    if fault.of == GRADER:
        return "The grader failed: nothing is said about this submission, and a person looks into it."
    return "This submission could not be graded."


def _entries(fault: Fault) -> list[dict[str, Any]]:
    """An entry for each question that was to be graded; it has no points if the grader failed."""
    possible: dict[str, float] = {}
    for configuration in fault.configurations:
        question = fault.assignment.question(configuration.question)
        possible.setdefault(question.id, question.test_points)
        possible[question.id] += fault.assignment.possible_points(configuration)
    return [
        {
            "name": f"{id}: {fault.assignment.question(id).title}",
            "number": id,
            "score": 0.0,
            "max_score": 0.0 if fault.of == GRADER else points,
            "status": "failed",
            "output": _title(fault),
            "tags": [id, "GRADER_ERROR" if fault.of == GRADER else "FAULT"],
        }
        for id, points in possible.items()
    ]


def _history_csv() -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(HEADER)
    return text.getvalue()


def _junit_xml(fault: Fault) -> str:
    """One test case; an error of the grader's is no failure of the submission's."""
    broken = fault.of == GRADER
    suites = ElementTree.Element("testsuites")
    counts = {"tests": "1", "failures": str(int(not broken)), "errors": str(int(broken))}
    name = cleaned(f"{fault.submission} {fault.profile}")
    suite = ElementTree.SubElement(suites, "testsuite", {"name": name, **counts})
    case = ElementTree.SubElement(suite, "testcase", classname="submission", name="can be graded")
    ElementTree.SubElement(case, "error" if broken else "failure", message=cleaned(fault.finding))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"
