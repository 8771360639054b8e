"""The time that a run still takes is estimated by what its trainings took."""

from dataclasses import replace

import pytest

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.reporting.time_left import TimeLeft
from grading.running.plan import Plan
from grading.running.resolve import make_plan


@pytest.fixture
def plan(few_pictures: None) -> Plan:
    """Two trainings at a time."""
    return replace(make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q1-2"])), parallel=2)


class Trainings:
    """The trainings that are missing in a run."""

    def __init__(self, plan: Plan, seeds: int) -> None:
        self.left = [(c, seed) for c in plan.configurations for seed in range(seeds)]

    def __call__(self) -> list[tuple[Configuration, int]]:
        return list(self.left)

    def end(self, left: TimeLeft, seconds: float, failure: str | None = None) -> None:
        """The first one ends."""
        configuration, seed = self.left.pop(0)
        kind = "FINISHED" if failure is None else "FAIL"
        left.finished(Run(configuration.id, seed, (), seconds, kind=kind, failure=failure))


def test_before_any_training_the_plan_is_believed(plan: Plan) -> None:
    left = TimeLeft(plan, [], Trainings(plan, 3))
    assert left.trainings == 6
    assert left.seconds() == pytest.approx(3 * sum(map(plan.cost, plan.configurations)) / 2)


def test_what_trainings_took_counts_more(plan: Plan) -> None:
    trainings = Trainings(plan, 3)
    left = TimeLeft(plan, [], trainings)
    first, second = plan.configurations
    trainings.end(left, 10 * plan.cost(first))
    assert left.seconds() == pytest.approx(10 * (2 * plan.cost(first) + 3 * plan.cost(second)) / 2)
    for _ in range(2):
        trainings.end(left, 10 * plan.cost(first))
    trainings.end(left, 60.0)
    assert left.seconds() == pytest.approx(60.0), "two trainings of the second configuration run side by side"
    trainings.end(left, 60.0)
    trainings.end(left, 60.0)
    assert (left.trainings, left.seconds()) == (0, 0.0)


def test_a_training_that_failed_says_nothing(plan: Plan) -> None:
    trainings = Trainings(plan, 2)
    left = TimeLeft(plan, [], trainings)
    first, second = plan.configurations
    trainings.end(left, 0.01, "ValueError: no")
    assert left.seconds() == pytest.approx((plan.cost(first) + 2 * plan.cost(second)) / 2)


def test_epochs_of_a_training_count(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    left = TimeLeft(replace(plan, parallel=1), [], Trainings(plan, 1))
    first, second = plan.configurations
    for number in range(1, 6):
        left.epoch(first, 0, number)
        clock[0] += 3
    slowness = 20 * 3 / plan.cost(first)
    assert left.seconds() == pytest.approx(15 * 3 + slowness * plan.cost(second))


def test_trainings_of_the_run_that_was_stopped_count(plan: Plan) -> None:
    trainings = Trainings(plan, 2)
    first, second = plan.configurations
    earlier = [Run(first.id, 0, (), 50.0), Run(second.id, 0, (), 80.0)]
    trainings.left = [(first, 1), (second, 1)]
    assert TimeLeft(plan, earlier, trainings).seconds() == pytest.approx(80.0)
