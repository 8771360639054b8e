"""From a journal to results: which trainings count, and what a canary does to the verdicts of its task."""

import json
from dataclasses import replace

import numpy as np
import pytest

from grading.front import exit_status, parse
from grading.inventory import listed_tests
from grading.journal import Run
from grading.judging import judged, needed
from grading.plan import Plan, make_plan
from grading.reporting.html import report_html
from grading.reporting.results import results_json
from grading.suite import NOT_RUN, Checked, Suite

IMAGES = 400


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-6,Q1-8"]))


def trained(id: str, seed: int, accuracy: float) -> Run:
    right = (np.arange(IMAGES) < accuracy * IMAGES).astype(float)
    images = {"right": np.stack([right, 0 * right], 1), "union": np.ones((IMAGES, 2)), "ignored": np.zeros((IMAGES, 2))}
    history = ({"epoch": 1, "loss": 1.0 + seed, "accuracy": accuracy},)
    return Run(id, seed, history, 1.0, images={name: part.tolist() for name, part in images.items()})


def runs(canary: float) -> dict[tuple[str, int], Run]:
    every = [trained(id, seed, 0.94) for id in ("Q1-6", "Q1-8") for seed in range(2)]
    return {(run.configuration, run.seed): run for run in [*every, trained("Q1-8-canary", 0, canary)]}


def test_what_is_needed_shrinks_to_what_decides(plan: Plan) -> None:
    first = {(c.id, seed) for c, seed in needed(plan, {})}
    assert first == {("Q1-6", 0), ("Q1-6", 1), ("Q1-8", 0), ("Q1-8", 1), ("Q1-8-canary", 0)}
    assert {(c.id, seed) for c, seed in needed(plan, runs(0.5))} == first
    doubtful = runs(0.5) | {("Q1-6", 1): trained("Q1-6", 1, 0.88)}
    assert ("Q1-6", 2) in {(c.id, seed) for c, seed in needed(plan, doubtful)}


def test_a_canary_takes_as_long_as_what_it_is_made_from(plan: Plan) -> None:
    (canary,) = plan.canaries
    assert plan.seconds_allowed(canary) == plan.seconds_allowed(plan.assignment.configuration("Q1-8"))
    assert plan.estimated_seconds() < 120


def test_all_seeds_are_run_where_their_number_is_given(plan: Plan) -> None:
    fixed = replace(plan, sequential=False, seeds=3)
    assert len(needed(fixed, runs(0.5))) == 7


def test_an_ignorant_canary_lets_the_verdicts_stand(plan: Plan) -> None:
    results = judged(plan, runs(0.51), NOT_RUN, 1.0)
    assert [outcome.verdict for outcome in results.outcomes.values()] == ["PASS", "PASS"]
    assert exit_status(results) == 0
    assert "knows nothing" in report_html(results)


def test_a_canary_that_knows_makes_every_verdict_of_its_task_doubtful(plan: Plan) -> None:
    results = judged(plan, runs(0.9), NOT_RUN, 1.0)
    assert [outcome.verdict for outcome in results.outcomes.values()] == ["REVIEW", "REVIEW"]
    assert exit_status(results) == 3
    assert results.score[0] == 0
    document = json.loads(results_json(results))
    assert "shuffled labels" in document["extra_data"]["canaries"][0]["suspicious"]
    assert "withheld" in document["tests"][0]["output"]
    assert "suspicious" in report_html(results)


def test_tests_that_say_nothing_are_no_score(plan: Plan) -> None:
    """Neither points nor a loss: the question's points are not decided, and the reason is given."""
    ran = {id: "GRADER_ERROR" if question == "Q1-8" else "PASS" for id, question in listed_tests().items()}
    suite = Suite(tuple(Checked(id, listed_tests()[id], outcome, "7 tests ran") for id, outcome in ran.items()))
    results = judged(plan, runs(0.5), suite, 1.0)
    document = json.loads(results_json(results))
    (entry,) = [test for test in document["tests"] if test["number"] == "Q1-8-tests"]
    assert (entry["score"], entry["max_score"], entry["tags"]) == (0, 0, ["Q1-8", "GRADER_ERROR"])
    assert "7 tests ran" in entry["output"]
    assert "10 points are not decided" in entry["output"]
    assert "Nothing is said about the submission: GRADER_ERROR: 7 tests ran" in report_html(results)
    assert results.outcomes["Q1-8"].verdict == "INCOMPLETE"
    only = replace(results, outcomes={"Q1-8": replace(results.outcomes["Q1-8"], verdict="PASS")}, relations=[])
    assert exit_status(only) == 3


def test_a_spare_training_changes_nothing(plan: Plan) -> None:
    spare = runs(0.5) | {("Q1-6", 2): trained("Q1-6", 2, 0.2)}
    assert judged(plan, spare, NOT_RUN, 1.0).outcomes == judged(plan, runs(0.5), NOT_RUN, 1.0).outcomes


@pytest.mark.parametrize(("withheld", "status"), [(None, 1), ("a trial", 3)])
def test_a_trial_refutes_no_conclusion(plan: Plan, withheld: str | None, status: int) -> None:
    """What a few images teach may be the opposite of what all of them do."""
    pair = tuple(plan.assignment.configuration(id) for id in ("Q1-1", "Q1-2"))
    short = replace(plan, configurations=pair, sequential=False, seeds=1, withheld=withheld)
    known = {("Q1-1", 0): trained("Q1-1", 0, 0.9), ("Q1-2", 0): trained("Q1-2", 0, 0.5)}
    results = judged(short, known, NOT_RUN, 1.0)
    assert [relation.verdict for relation in results.relations] == ["contradicted"]
    assert exit_status(results) == status
    assert json.loads(results_json(results))["extra_data"]["relations"][0]["gate"] == (None if withheld else "FAIL")
