"""What students see on Gradescope."""

import json
import re

import pytest

from grading.assignment.api_test_record import NOT_RUN, Checked, Suite
from grading.assignment.test_ids import listed_tests
from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.platforms.student_view import shown
from grading.protocol.finding import Finding
from grading.reporting.collect import results_of
from grading.reporting.gradescope import results_json
from grading.running.plan import Plan
from grading.running.resolve import make_plan
from grading.tests.test_autograder import expect_gradescope_format
from grading.tests.test_results import control_run, finished_run


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-6,Q1-8"]))


TAILS = {"right": 0.94, "wrong": 0.3, "nearly right": 0.55, "undecided": 0.88, "too good": 0.999}


@pytest.mark.parametrize("accuracy", TAILS.values(), ids=TAILS)
@pytest.mark.parametrize("gap", [0.8, 0.0], ids=["learns", "does not learn"])
def test_students_see_no_threshold(plan: Plan, accuracy: float, gap: float) -> None:
    trainings = [finished_run(id, seed, accuracy) for id in ("Q1-6", "Q1-8") for seed in range(plan.seeds)]
    runs = {(run.configuration, run.seed): run for run in [*trainings, control_run(plan.controls[0].id, gap)]}
    results = results_of(plan, runs, NOT_RUN, 1.0)
    whole = json.loads(results_json(results))
    outputs = [entry["output"] for entry in whole["tests"]]
    document = shown(whole, "visible")
    expect_gradescope_format(document)
    public = [entry for entry in document["tests"] if entry.get("visibility") != "hidden"]
    for outcome in results.outcomes.values():
        (entry,) = [entry for entry in public if entry["number"] == outcome.configuration.id]
        (staff,) = [entry for entry in document["tests"] if entry["number"] == f"{outcome.configuration.id}-staff"]
        assert entry["output"].startswith(outcome.verdict)
        own = {f"{outcome.tail:.2f}", f"{outcome.tail:.1f}", str(len(outcome.runs))}
        assert set(re.findall(r"\d+(?:\.\d+)?", entry["output"])) <= own
        assert staff["output"] in outputs
    for forbidden in ("threshold", "floor", "expected", "power", "least_gap", "history", "controls", "published"):
        assert f'"{forbidden}"' not in json.dumps(document)
    assert "secret rule" not in json.dumps(public)


def test_students_see_what_failed(plan: Plan) -> None:
    """A failing test and a failing training are told in full: no threshold decided."""
    finding = Finding("the head is frozen")
    suite = Suite(
        tuple(
            Checked(id, question, "FAIL" if "challenger" in id else "PASS", finding)
            for id, question in listed_tests().items()
        )
    )
    broken = Run("Q1-6", 0, (), 1.0, "FAIL", "ZeroDivisionError in forward")
    results = results_of(plan, {("Q1-6", 0): broken}, suite, 1.0)
    document = shown(json.loads(results_json(results)), "after_due_date")
    expect_gradescope_format(document)
    outputs = {entry["number"]: entry["output"] for entry in document["tests"]}
    assert "ZeroDivisionError in forward" in outputs["Q1-6"]
    assert "the head is frozen" in outputs["Q1-8"]
    assert not [number for number in outputs if number.endswith("-staff")]
    assert document["visibility"] == "after_due_date"
