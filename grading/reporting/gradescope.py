"""results.json, in Gradescope's format: what a platform shows to students.

Metrics that rest on validation labels are rounded in it. An exact one tells how many labels a prediction meets, and a
training predicts anew in each epoch. The instructor's exact ones are in history.csv, journal.jsonl and report.html.
"""

import json
import math
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from grading.assignment.assignment import Question
from grading.verdicts.outcome import Outcome

if TYPE_CHECKING:
    from grading.reporting.results import Results

DECIMALS = 2
FIGURE = re.compile(r"(?<![\w.])([+-]?)(\d+\.\d{3,}(?:e[+-]?\d+)?)(?!\w|\.\d)")
ODDS = re.compile(r" Here they are \S+ to \S+\.(?!\d)")  # as good as the exact mean
MOST_MESSAGES = 5  # of a question's failing tests; the rest is in tests.jsonl


def results_json(results: "Results") -> str:
    """The document of contract.md, section 3. JSON has no NaN: such a metric is null."""
    points = {id: results.points(outcome) for id, outcome in results.outcomes.items()}
    document = {
        "score": results.score[0],
        "execution_time": results.seconds,
        "tests": [
            *(_test(id, outcome, *points[id]) for id, outcome in results.outcomes.items()),
            *(_tests_of(question, results) for question in results.questions),
            *(_discussion(question, results) for question in results.discussed),
        ],
        "extra_data": {
            "profile": results.plan.profile_name,
            "submission": results.plan.submission.name,
            "submission_sha256": results.plan.fingerprint,
            "device": results.plan.device,
            "threads": results.plan.threads,
            "calibration_notes": results.calibration_notes,
            "grader_notes": list(results.grader_notes),
            "sandbox": {
                "tier": results.plan.sandbox.tier,
                "promise": results.plan.sandbox.promise,
                "verified": results.plan.sandbox.verified,
            },
            "configurations": [
                {**_configuration(outcome), "note": rounded_text(results.notes[id]) if id in results.notes else None}
                for id, outcome in results.outcomes.items()
            ],
            "controls": [
                {
                    "id": control.configuration.id,
                    "gap": _rounded(control.gap),
                    "least_gap": _rounded(control.least_gap),
                    "suspicious": control.why and rounded_text(control.why),
                }
                for control in results.controls
            ],
            "relations": [
                {
                    "id": outcome.relation.id,
                    "question": outcome.relation.question,
                    "better": outcome.relation.better,
                    "worse": outcome.relation.worse,
                    "verdict": outcome.verdict,
                    "difference": _rounded(outcome.difference),
                    "interval": outcome.interval and [_rounded(end) for end in outcome.interval],
                    "required": outcome.required,
                    "gate": None if outcome.required is None else "PASS" if outcome.holds else "FAIL",
                }
                for outcome in results.relations
            ],
        },
    }
    return json.dumps(_without_nan(document), indent=2, allow_nan=False) + "\n"


def student_reason(outcome: Outcome) -> str:
    """Why a configuration has its verdict, as a student may read it; what its own code said stays as it is."""
    rounded = rounded_text(outcome.reason)
    if rounded == outcome.reason or outcome.finished != outcome.runs:
        return outcome.reason
    return f"{rounded} (Figures are rounded.)"


def rounded_text(text: str) -> str:
    """The text with its figures rounded, and without odds."""
    return FIGURE.sub(lambda figure: f"{figure[1]}{float(figure[2]):.{DECIMALS}f}", ODDS.sub("", text))


def _rounded(metric: float | None) -> float | None:
    return None if metric is None else round(metric, DECIMALS)


def _tests_of(question: Question, results: "Results") -> dict[str, Any]:
    """The tests of one question, as one entry."""
    earned, possible = results.test_points(question)
    tests = results.suite.of(question.id)
    failed = [test for test in tests if test.outcome != "PASS"]
    said = [f"{test.id}: {test.outcome}\n{test.message}" for test in failed[:MOST_MESSAGES]]
    summary = f"{len(tests) - len(failed)} of {len(tests)} tests passed" if tests else "the tests were not run"
    error = results.undecided_tests.get(question.id)
    tag = "GRADER_ERROR" if error else "INCOMPLETE" if not tests else "FAIL" if failed else "PASS"
    if error:
        said = []
        summary = f"{error}\nNothing is said about the submission: {question.test_points:g} points are not decided."
    return {
        "name": f"{question.id}: tests of the student API",
        "number": f"{question.id}-tests",
        "score": earned,
        "max_score": possible,
        "status": "failed" if failed or not tests else "passed",
        "output": "\n\n".join([summary, *said]),
        "tags": [question.id, tag],
    }


def _discussion(question: Question, results: "Results") -> dict[str, Any]:
    """A question that a person marks: no points here, but what the run says about it, and the student's text."""
    claims, _ = results.evidence(question)
    said = [
        f"{claim.relation.id}: {claim.verdict}"
        + ("" if claim.difference is None else f" ({claim.difference:+.4f})")
        + ("" if claim.interval is None else f", 95 % interval {claim.interval[0]:+.4f} to {claim.interval[1]:+.4f}")
        for claim in claims
    ]
    answer = results.discussion.get(question.id, "(no text in discussion.md)")
    return {
        "name": f"{question.id}: {question.title}",
        "number": f"{question.id}-discussion",
        "score": 0.0,
        "max_score": 0.0,
        "status": "passed",
        "output": "\n".join([f"{question.points:g} points, marked by a person", *map(rounded_text, said), "", answer]),
        "tags": [question.id, "DISCUSSION"],
    }


def _test(id: str, outcome: Outcome, earned: float, possible: float) -> dict[str, Any]:
    return {
        "name": f"{id}: {outcome.configuration.title}",
        "number": id,
        "score": earned,
        "max_score": possible,
        "status": "passed" if outcome.credit else "failed",
        "output": f"{outcome.verdict}{_provisional(outcome)}: {student_reason(outcome)}",
        "tags": [outcome.configuration.question, outcome.verdict],
    }


def _provisional(outcome: Outcome) -> str:
    if outcome.verdict != "REVIEW":
        return ""
    return " (points are provisional)" if outcome.credit else " (points are withheld)"


def _configuration(outcome: Outcome) -> dict[str, Any]:
    metric = outcome.configuration.metric
    return {
        "id": outcome.configuration.id,
        "question": outcome.configuration.question,
        "title": outcome.configuration.title,
        "verdict": outcome.verdict,
        "reason": student_reason(outcome),
        "metric": metric,
        "tail": _rounded(outcome.tail),
        "expected": outcome.expectation.tail,
        "basis": outcome.expectation.basis,
        "misfit": outcome.expectation.misfit,
        "threshold": outcome.threshold,
        "floor": None if outcome.threshold is None else outcome.gate.floor,
        "power": _power(outcome),
        "distrusted": outcome.distrusted and rounded_text(outcome.distrusted),
        "published": outcome.configuration.published,
        "seeds": [
            {
                "seed": run.seed,
                "initial": _rounded(run.initial(metric)) if run.history else None,
                "best": _rounded(run.best(metric)) if run.history else None,
                "tail": _rounded(run.tail(metric)) if run.history else None,
                "seconds": run.seconds,
                "kind": run.kind,
                "failure": run.failure,
                "history": [{name: _rounded(value) for name, value in epoch.items()} for epoch in run.history],
            }
            for run in outcome.runs
        ],
    }


def _power(outcome: Outcome) -> dict[str, Any] | None:
    """What the gate can tell apart: see `grading.verdicts.power`."""
    power = outcome.expectation.power
    return None if power is None else {**asdict(power), "is_weak": power.is_weak, "in_words": str(power)}


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
