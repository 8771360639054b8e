"""A training gives the same numbers called directly, in the process of a student who trains, and in the sandbox."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from grading.commands.grade import parse
from grading.protocol.wire import Plain
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import make_plan
from grading.running.training import blinded, training_limits
from grading.sandbox.choose import choose
from grading.sandbox.own_process import OwnProcessWorker
from grading.sandbox.worker import Worker
from grading.worker.student import LocalStudent
from grading.worker.training.loop import train

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


@pytest.fixture
def plan(quick_weights: None) -> Plan:
    trial = ["--unsafe", "--profile", "mini", "--epochs", "2", "--limit", "24"]
    return with_weights(make_plan(parse([*trial, "--only", "Q1-1,Q1-6,Q2-3-merged"])), None, print)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_sandbox_changes_no_number(plan: Plan, number: int, tmp_path: Path) -> None:
    configuration = plan.configurations[number]
    sets, job = blinded(plan, configuration, seed=3)
    here = list(train(job, LocalStudent(plan.submission)))
    with (tmp_path / "log").open("wb") as log, Worker(plan.submission, choose(unsafe=True), log=log) as worker:
        there = list(worker.train(job, training_limits(plan, configuration, sets)))
    _expect_equal(here, there)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_process_of_a_student_changes_no_number(plan: Plan, number: int) -> None:
    """Nor does the training before it: each begins in the same state."""
    sets, job = blinded(plan, plan.configurations[number], seed=3)
    here = list(train(job, LocalStudent(plan.submission)))
    with OwnProcessWorker(plan.submission) as worker:
        for _ in range(2):
            _expect_equal(here, list(worker.train(job, training_limits(plan, plan.configurations[number], sets))))


def _expect_equal(events: Sequence[Plain], others: Sequence[Plain]) -> None:
    assert events[0] == others[0]
    assert events[-1] == others[-1]
    assert [epoch["loss"] for epoch in events[1:-1]] == [epoch["loss"] for epoch in others[1:-1]]
    for ours, theirs in zip(events[1:-1], others[1:-1], strict=True):
        assert np.array_equal(ours["predictions"], theirs["predictions"])


@pytest.mark.parametrize("number", [0, 1])
def test_processes_that_make_pictures_change_no_number(plan: Plan, number: int) -> None:
    """With the tutorial's augmentation and the student's, on a network with dropout, which draws random numbers too."""
    _, job = blinded(plan, plan.configurations[number], seed=3)
    in_line, *others = (
        [
            (epoch["loss"], epoch["predictions"].tobytes())
            for epoch in train({**job, "transform_processes": processes}, LocalStudent(plan.submission))
            if "loss" in epoch
        ]
        for processes in (0, 1, 2, 3)
    )
    assert len(in_line) == 2
    assert others == [in_line] * 3
