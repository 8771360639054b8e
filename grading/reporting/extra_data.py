"""The part of results.json that programs read: every configuration, control and conclusion, with rounded metrics."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from grading.assignment.training_record import Run
from grading.reporting.marks import to_mark
from grading.reporting.rounding import rounded, rounded_text, student_reason
from grading.verdicts.conclusions import RelationOutcome
from grading.verdicts.outcome import Outcome

if TYPE_CHECKING:
    from grading.reporting.results import ControlOutcome, Results


def extra_data(results: "Results") -> dict[str, Any]:
    """How the run was made, and all that it found."""
    return {
        "profile": results.plan.profile_name,
        "submission": results.plan.submission.name,
        "submission_sha256": results.plan.fingerprint,
        "device": results.plan.device,
        "threads": results.plan.threads,
        "gives_no_verdict": results.plan.gives_no_verdict,
        "calibration_notes": results.calibration_notes,
        "submission_notes": list(results.plan.submission.notes),
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
        "controls": [_control(control) for control in results.controls],
        "relations": [_relation(outcome) for outcome in results.relations],
        "tests": len(results.suite.tests),
        "failed_tests": {test.id: test.outcome for test in results.suite.tests if test.outcome != "PASS"},
        "to_mark": [asdict(thing) for thing in to_mark(results)],
        "marks": {item: mark.points for item, mark in results.marks.items()},
    }


def _control(control: "ControlOutcome") -> dict[str, Any]:
    return {
        "id": control.configuration.id,
        "gap": rounded(control.gap),
        "least_gap": rounded(control.least_gap),
        "suspicious": control.why and rounded_text(control.why),
    }


def _relation(outcome: RelationOutcome) -> dict[str, Any]:
    return {
        "id": outcome.relation.id,
        "question": outcome.relation.question,
        "better": outcome.relation.better,
        "worse": outcome.relation.worse,
        "verdict": outcome.verdict,
        "difference": rounded(outcome.difference),
        "interval": outcome.interval and [rounded(end) for end in outcome.interval],
        "required": outcome.required,
        "gate": None if outcome.required is None else "PASS" if outcome.holds else "FAIL",
    }


def _configuration(outcome: Outcome) -> dict[str, Any]:
    metric = outcome.configuration.metric
    return {
        "id": outcome.configuration.id,
        "question": outcome.configuration.question,
        "title": outcome.configuration.title,
        "verdict": outcome.verdict,
        "reason": student_reason(outcome),
        "metric": metric,
        "tail": rounded(outcome.tail),
        "expected": outcome.expectation.tail,
        "basis": outcome.expectation.basis,
        "misfit": outcome.expectation.misfit,
        "threshold": outcome.threshold,
        "floor": None if outcome.threshold is None else outcome.gate.floor,
        "power": _power(outcome),
        "distrusted": outcome.distrusted and rounded_text(outcome.distrusted),
        "published": outcome.configuration.published,
        "seeds": [_training(run, metric) for run in outcome.runs],
    }


def _training(run: Run, metric: str) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "initial": rounded(run.initial(metric)) if run.history else None,
        "best": rounded(run.best(metric)) if run.history else None,
        "tail": rounded(run.tail(metric)) if run.history else None,
        "seconds": run.seconds,
        "kind": run.kind,
        "failure": run.failure,
        "history": [{name: rounded(value) for name, value in epoch.items()} for epoch in run.history],
    }


def _power(outcome: Outcome) -> dict[str, Any] | None:
    """What the gate can tell apart: see `grading.verdicts.power`."""
    power = outcome.expectation.power
    return None if power is None else {**asdict(power), "is_weak": power.is_weak, "in_words": str(power)}
