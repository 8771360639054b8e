"""results.json, in Gradescope's format: what a platform shows to students."""

import json
import math
from typing import TYPE_CHECKING, Any

from grading.assignment.assignment import Question
from grading.protocol.text import cleaned, number
from grading.reporting.extra_data import extra_data
from grading.reporting.marks import Mark
from grading.reporting.rounding import rounded_text, student_reason
from grading.verdicts.outcome import Outcome

if TYPE_CHECKING:
    from grading.reporting.results import Results

MOST_MESSAGES = 5  # of a question's failing tests; the others are in tests.jsonl


def results_json(results: "Results") -> str:
    """The results in Gradescope's format. JSON has no NaN: such a metric is null."""
    document = {
        "score": results.score[0],
        "execution_time": results.seconds,
        "tests": [
            *(_trainings_of(id, outcome, results) for id, outcome in results.outcomes.items()),
            *(_tests_of(question, results) for question in results.questions),
            *(_discussion(question, results) for question in results.discussed),
        ],
        "extra_data": extra_data(results),
    }
    return json.dumps(_without_nan(document), indent=2, allow_nan=False) + "\n"


def _tests_of(question: Question, results: "Results") -> dict[str, Any]:
    """The tests of one question, as one entry."""
    earned, possible = results.test_points(question)
    tests = results.suite.of(question.id)
    failed = [test for test in tests if test.outcome != "PASS"]
    messages = [f"{test.id}: {test.outcome}\n{test.message}" for test in failed[:MOST_MESSAGES]]
    summary = f"{len(tests) - len(failed)} of {len(tests)} tests passed" if tests else "the tests were not run"
    error = results.undecided_tests.get(question.id)
    tag = "GRADER_ERROR" if error else "INCOMPLETE" if not tests else "FAIL" if failed else "PASS"
    if error:
        messages = []
        open_points = f"{number(question.test_points)} points are not decided"
        summary = f"{error}\nNothing is said about the submission: {open_points}."
    return {
        "name": f"{question.id}: tests of the student API",
        "number": f"{question.id}-tests",
        "score": earned,
        "max_score": possible,
        "status": "failed" if failed or not tests else "passed",
        "output": "\n\n".join([summary, *messages]),
        "tags": [question.id, tag],
    }


def _discussion(question: Question, results: "Results") -> dict[str, Any]:
    """A question that a person marks: the mark, what the run says about it, and the student's text."""
    claims, _ = results.evidence(question)
    earned, possible = results.discussion_points(question)
    conclusions = [
        f"{claim.relation.id}: {claim.verdict}"
        + ("" if claim.difference is None else f" ({claim.difference:+.4f})")
        + ("" if claim.interval is None else f", 95 % interval {claim.interval[0]:+.4f} to {claim.interval[1]:+.4f}")
        for claim in claims
    ]
    answer = results.discussion.get(question.id, "(no text in discussion.md)")
    return {
        "name": f"{question.id}: {question.title}",
        "number": f"{question.id}-discussion",
        "score": earned,
        "max_score": possible,
        "status": "passed",
        "output": "\n".join(
            [
                _decided(results.marks.get(question.id), question.points)
                or f"{number(question.points)} points, marked by a person",
                *map(rounded_text, conclusions),
                "",
                answer,
            ]
        ),
        "tags": [question.id, "DISCUSSION"],
    }


def _decided(mark: Mark | None, possible: float) -> str:
    """What a person has decided; empty if nobody has."""
    if mark is None:
        return ""
    decision = f"decided by a person: {number(mark.points)} of {number(possible)}"
    return f"{decision}\n{cleaned(mark.comment)}" if mark.comment else decision


def _trainings_of(id: str, outcome: Outcome, results: "Results") -> dict[str, Any]:
    """The trainings of one configuration, as one entry."""
    earned, possible = results.points(outcome)
    mark = results.marks.get(id)
    decision = _decided(mark, possible)
    verdict = f"{decision}\n{outcome.verdict}" if decision else f"{outcome.verdict}{_provisional(outcome)}"
    return {
        "name": f"{id}: {outcome.configuration.title}",
        "number": id,
        "score": earned,
        "max_score": possible,
        "status": "passed" if (outcome.credit if mark is None else mark.points) else "failed",
        "output": f"{verdict}: {student_reason(outcome)}",
        "tags": [outcome.configuration.question, outcome.verdict],
    }


def _provisional(outcome: Outcome) -> str:
    """What becomes of the points of a REVIEW until a person has decided."""
    if outcome.verdict != "REVIEW":
        return ""
    return " (points are provisional)" if outcome.credit else " (points are withheld)"


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
