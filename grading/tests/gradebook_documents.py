"""Documents of a class that was never trained; test_gradebook_real.py compares their form with that of results.json."""

from collections.abc import Mapping, Sequence
from typing import Any

from grading.assignment.api_test_record import Checked
from grading.assignment.assignment import read_assignment
from grading.assignment.test_ids import listed_tests
from grading.intake.hand_in import HandIn
from grading.protocol.finding import Finding
from grading.reporting.gradebook.graded import Graded
from grading.reporting.marks import checksum

ASSIGNMENT = read_assignment()
LISTED = listed_tests()
CREDIT = {"PASS": 1.0, "REVIEW": 1.0}


def of_question(question: str, count: int | None = None) -> list[str]:
    """The ids of the first tests of a question; of all of them for None."""
    return [id for id, its_question in LISTED.items() if its_question == question][:count]


def document(
    verdicts: Mapping[str, str] | None = None,
    *,
    failed: Mapping[str, str] | Sequence[str] = (),
    texts: Mapping[str, str] | None = None,
    marks: Mapping[str, float] | None = None,
    tails: Mapping[str, float] | None = None,
    reason: str = "0.93 in the mean of 2 seeds",
    submission: str = "s1",
) -> dict[str, Any]:
    """A results.json.

    Args:
        verdicts: by configuration; all other configurations of their questions pass.
        failed: tests, with their outcomes if they are not FAIL.
        texts: by discussion question.
        marks: by item.
        tails: by configuration; 0.93 for all others.
        reason: of each verdict.
        submission: what it stands for.
    """
    chosen = {"Q1-1": "PASS", "Q2-3-merged": "PASS", "Q2-3-first-three": "PASS"} | dict(verdicts or {})
    outcomes = dict(failed) if isinstance(failed, Mapping) else dict.fromkeys(failed, "FAIL")
    given, answers = dict(marks or {}), dict(texts or {})
    tests = [_training(id, verdict, given.get(id), reason) for id, verdict in chosen.items()]
    questions = dict.fromkeys(ASSIGNMENT.configuration(id).question for id in chosen)
    tests += [_tests(question, outcomes) for question in questions if ASSIGNMENT.question(question).test_points]
    tests += [_discussion(question, answer, given.get(question)) for question, answer in answers.items()]
    return {
        "score": sum(entry["score"] for entry in tests),
        "execution_time": 1.0,
        "tests": tests,
        "extra_data": {
            "profile": "mini",
            "submission": submission,
            "submission_sha256": submission,
            "sandbox": {"tier": "bubblewrap", "promise": "", "verified": True},
            "configurations": [
                _configuration(id, verdict, (tails or {}).get(id, 0.93), reason) for id, verdict in chosen.items()
            ],
            "controls": [],
            "relations": [],
            "tests": len(LISTED),
            "failed_tests": outcomes,
            "to_mark": [
                *(
                    {"item": q, "kind": "discussion", "max_points": most(q), "about": checksum(a)}
                    for q, a in answers.items()
                ),
                *(
                    {"item": id, "kind": "review", "max_points": most(id), "about": checksum(reason)}
                    for id, verdict in chosen.items()
                    if verdict == "REVIEW"
                ),
            ],
            "marks": given,
        },
    }


def graded(
    student: str,
    content: Mapping[str, Any],
    *,
    finding: str = "wrong",
    fault: str | None = None,
    platform: str = "folders",
    ids: Mapping[str, str] | None = None,
) -> Graded:
    """A student's row; each failed test has the same finding."""
    failed = content["extra_data"]["failed_tests"]
    tests = tuple(Checked(id, LISTED[id], outcome, Finding(finding)) for id, outcome in failed.items())
    return Graded(HandIn(student, (), platform=platform, ids=ids or {}), content, tests, fault)


def most(item: str) -> float:
    """The most points of a discussion question or configuration."""
    if any(question.id == item and question.discussion for question in ASSIGNMENT.questions):
        return ASSIGNMENT.question(item).points
    return ASSIGNMENT.possible_points(ASSIGNMENT.configuration(item))


def _training(id: str, verdict: str, mark: float | None, reason: str) -> dict[str, Any]:
    possible = most(id)
    return {
        "name": id,
        "number": id,
        "score": CREDIT.get(verdict, 0.0) * possible if mark is None else mark,
        "max_score": possible,
        "status": "passed",
        "output": f"{verdict}: {reason}",
        "tags": [ASSIGNMENT.configuration(id).question, verdict],
    }


def _tests(question: str, failed: Mapping[str, str]) -> dict[str, Any]:
    ids = of_question(question)
    undecided = any(failed.get(id) == "GRADER_ERROR" for id in ids)
    points = 0.0 if undecided else ASSIGNMENT.question(question).test_points
    return {
        "name": question,
        "number": f"{question}-tests",
        "score": points * sum(id not in failed for id in ids) / len(ids),
        "max_score": points,
        "status": "passed",
        "output": "",
        "tags": [question, "GRADER_ERROR" if undecided else "PASS"],
    }


def _discussion(question: str, answer: str, mark: float | None) -> dict[str, Any]:
    return {
        "name": question,
        "number": f"{question}-discussion",
        "score": mark or 0.0,
        "max_score": 0.0 if mark is None else most(question),
        "status": "passed",
        "output": f"{most(question):g} points, marked by a person\n\n{answer}",
        "tags": [question, "DISCUSSION"],
    }


def _configuration(id: str, verdict: str, tail: float, reason: str) -> dict[str, Any]:
    configuration = ASSIGNMENT.configuration(id)
    return {
        "id": id,
        "question": configuration.question,
        "title": configuration.title,
        "verdict": verdict,
        "reason": reason,
        "metric": configuration.metric,
        "tail": tail,
        "expected": 0.94,
        "threshold": 0.9,
        "floor": 0.86,
        "distrusted": None,
    }
