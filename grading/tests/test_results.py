"""From a journal to results: which trainings count, and how a control changes the verdicts."""

import json
from dataclasses import replace

import numpy as np
import pytest

from grading.assignment.api_test_record import NOT_RUN, Checked, Suite
from grading.assignment.test_ids import listed_tests
from grading.assignment.training_record import Run
from grading.commands.grade import exit_status, parse
from grading.protocol.finding import Finding
from grading.reporting.collect import results_of
from grading.reporting.gradescope import results_json
from grading.reporting.html import report_html
from grading.running.needed import needed
from grading.running.plan import Plan
from grading.running.resolve import make_plan

IMAGES = 400


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-6,Q1-8"]))


def finished_run(id: str, seed: int, accuracy: float) -> Run:
    right = (np.arange(IMAGES) < accuracy * IMAGES).astype(float)
    images = {"right": np.stack([right, 0 * right], 1), "union": np.ones((IMAGES, 2)), "ignored": np.zeros((IMAGES, 2))}
    early = [0.6, accuracy - 0.05]
    values = enumerate([*early, accuracy], start=1)
    history = tuple({"epoch": epoch, "loss": 1.0, "accuracy": value + seed / 1e4} for epoch, value in values)
    return Run(id, seed, history, 1.0, counts_by_image={name: part.tolist() for name, part in images.items()})


def control_run(id: str, gap: float, failure: str | None = None) -> Run:
    history = ({"epoch": 1, "loss": 0.7, "obeyed": 0.1 + gap, "mistaken": 0.1},)
    return Run(id, 0, history, 1.0, kind="CRASH" if failure else "FINISHED", failure=failure)


def runs(plan: Plan, gap: float = 0.8) -> dict[tuple[str, int], Run]:
    """Two good trainings of each configuration, and the control that is asked for."""
    trainings = [finished_run(id, seed, 0.94) for id in ("Q1-6", "Q1-8") for seed in range(2)]
    return {(run.configuration, run.seed): run for run in [*trainings, control_run(plan.controls[0].id, gap)]}


def test_only_trainings_that_can_decide_are_needed(plan: Plan) -> None:
    control = plan.controls[0].id
    first = {(c.id, seed) for c, seed in needed(plan, {})}
    assert first == {("Q1-6", 0), ("Q1-6", 1), ("Q1-8", 0), ("Q1-8", 1), (control, 0)}
    assert {(c.id, seed) for c, seed in needed(plan, runs(plan))} == first
    doubtful = runs(plan) | {("Q1-6", 1): finished_run("Q1-6", 1, 0.85)}
    assert ("Q1-6", 2) in {(c.id, seed) for c, seed in needed(plan, doubtful)}


def test_a_failed_configuration_needs_no_control(plan: Plan) -> None:
    """A wrong network may fail to learn the rule: the control is made from another configuration."""
    first, second = plan.controls
    failed = {key: replace(run, kind="FAIL", failure="no") for key, run in runs(plan).items() if key[0] == first.base}
    finished = runs(plan) | failed
    assert (second.id, 0) in {(c.id, seed) for c, seed in needed(plan, finished)}
    results = results_of(plan, finished | {(second.id, 0): control_run(second.id, 0.8)}, NOT_RUN, 1.0)
    assert [control.configuration.id for control in results.controls] == [second.id]
    assert results.outcomes[first.base].verdict == "FAIL"
    assert results.outcomes[second.base].verdict == "PASS"


def test_a_control_takes_as_long_as_its_configuration(plan: Plan) -> None:
    for control in plan.controls:
        assert plan.seconds_allowed(control) == plan.seconds_allowed(plan.assignment.configuration(control.base))
    assert plan.estimated_seconds() < 120


def test_the_secret_chooses_the_controlled_configuration(plan: Plan) -> None:
    plan = replace(plan, configurations=plan.assignment.configurations)
    first = {
        (task, next(control.base for control in replace(plan, key=bytes([number])).controls if control.task == task))
        for number in range(200)
        for task in ("classification", "segmentation")
    }
    assert first == {(c.task, c.id) for c in plan.assignment.configurations}


def test_a_trial_has_no_control(plan: Plan) -> None:
    assert replace(plan, withheld="a trial").controls == ()


def test_all_seeds_are_run_if_their_number_is_given(plan: Plan) -> None:
    fixed = replace(plan, sequential=False, seeds=3)
    assert len(needed(fixed, runs(plan))) == 7


def test_a_submission_that_learns_the_rule_keeps_its_verdicts(plan: Plan) -> None:
    results = results_of(plan, runs(plan), NOT_RUN, 1.0)
    assert [outcome.verdict for outcome in results.outcomes.values()] == ["PASS", "PASS"]
    assert exit_status(results) == 0
    assert "learned" in report_html(results)


@pytest.mark.parametrize(("gap", "failure"), [(0.0, None), (0.05, None), (-0.4, None), (0.9, "ended by itself")])
def test_a_submission_that_does_not_learn_the_rule_gets_no_points(plan: Plan, gap: float, failure: str | None) -> None:
    control = control_run(plan.controls[0].id, gap, failure)
    results = results_of(plan, runs(plan) | {(control.configuration, 0): control}, NOT_RUN, 1.0)
    assert [outcome.verdict for outcome in results.outcomes.values()] == ["REVIEW", "REVIEW"]
    assert exit_status(results) == 3
    assert results.score[0] == 0
    document = json.loads(results_json(results))
    assert "secret rule" in document["extra_data"]["controls"][0]["suspicious"]
    assert "withheld" in document["tests"][0]["output"]
    assert "suspicious" in report_html(results)


def test_without_its_control_a_task_is_incomplete(plan: Plan) -> None:
    finished = {key: run for key, run in runs(plan).items() if key[0] != plan.controls[0].id}
    results = results_of(plan, finished, NOT_RUN, 1.0)
    assert [outcome.verdict for outcome in results.outcomes.values()] == ["INCOMPLETE", "INCOMPLETE"]
    assert results.score[0] == 0
    assert exit_status(results) == 3


def test_one_implausible_configuration_puts_all_in_doubt(plan: Plan) -> None:
    finished = runs(plan) | {("Q1-6", seed): finished_run("Q1-6", seed, 0.999) for seed in range(2)}
    results = results_of(plan, finished, NOT_RUN, 1.0)
    assert [outcome.verdict for outcome in results.outcomes.values()] == ["REVIEW", "REVIEW"]
    assert results.score[0] == 0
    assert "trained before it was handed in" in results.outcomes["Q1-6"].reason
    assert results.outcomes["Q1-8"].reason.splitlines()[-1].startswith("Q1-6: ")


def test_points_of_tests_that_could_not_run_are_undecided(plan: Plan) -> None:
    """The points of the question are neither given nor lost, and the reason is shown."""
    ran = {id: "GRADER_ERROR" if question == "Q1-8" else "PASS" for id, question in listed_tests().items()}
    suite = Suite(
        tuple(Checked(id, listed_tests()[id], outcome, Finding("7 tests ran")) for id, outcome in ran.items())
    )
    results = results_of(plan, runs(plan), suite, 1.0)
    document = json.loads(results_json(results))
    (entry,) = [test for test in document["tests"] if test["number"] == "Q1-8-tests"]
    assert (entry["score"], entry["max_score"], entry["tags"]) == (0, 0, ["Q1-8", "GRADER_ERROR"])
    assert "7 tests ran" in entry["output"]
    assert "10 points are not decided" in entry["output"]
    assert "Nothing is said about the submission: GRADER_ERROR: 7 tests ran" in report_html(results)
    assert results.outcomes["Q1-8"].verdict == "INCOMPLETE"
    only = replace(results, outcomes={"Q1-8": replace(results.outcomes["Q1-8"], verdict="PASS")}, relations=[])
    assert exit_status(only) == 3


def test_an_extra_training_changes_no_outcome(plan: Plan) -> None:
    spare = runs(plan) | {("Q1-6", 2): finished_run("Q1-6", 2, 0.2)}
    assert results_of(plan, spare, NOT_RUN, 1.0).outcomes == results_of(plan, runs(plan), NOT_RUN, 1.0).outcomes


@pytest.mark.parametrize(("withheld", "status"), [(None, 1), ("a trial", 3)])
def test_a_trial_contradicts_no_conclusion(plan: Plan, withheld: str | None, status: int) -> None:
    """A few images may show the opposite of what all of them show."""
    pair = tuple(plan.assignment.configuration(id) for id in ("Q1-1", "Q1-2"))
    short = replace(plan, configurations=pair, sequential=False, seeds=1, withheld=withheld)
    finished = {("Q1-1", 0): finished_run("Q1-1", 0, 0.9), ("Q1-2", 0): finished_run("Q1-2", 0, 0.5)}
    results = results_of(short, finished, NOT_RUN, 1.0)
    assert [relation.verdict for relation in results.relations] == ["contradicted"]
    assert exit_status(results) == status
    assert json.loads(results_json(results))["extra_data"]["relations"][0]["gate"] == (None if withheld else "FAIL")
