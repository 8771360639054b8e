"""An error in one training costs that training alone: the others go on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.protocol.limits import Limits
from grading.protocol.wire import Plain
from grading.running.grading import Grading
from grading.running.journal import Journal
from grading.running.local_engine import carry_out_one
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import make_plan
from grading.running.training import blinded
from grading.sandbox.worker import Worker

pytestmark = pytest.mark.slow

UNFORESEEN = [KeyError("epochs"), OSError(28, "no space")]


@pytest.fixture
def plan(quick_weights: None) -> Plan:
    options = parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q1-3", "--epochs", "1", "--limit", "8"])
    return with_weights(make_plan(options), None, print)


def failing_blinding(error: Exception) -> Callable[..., Any]:
    def blind(plan: Plan, configuration: Configuration, seed: int) -> Any:
        if configuration.id == "Q1-1":
            raise error
        return blinded(plan, configuration, seed)

    return blind


def failing_check(error: Exception) -> Callable[..., None]:
    def check(configuration: Configuration, *_: object) -> None:
        if configuration.id == "Q1-1":
            raise error

    return check


def failing_training(error: Exception) -> Callable[..., Iterator[Plain]]:
    train = Worker.train

    def start(worker: Worker, job: Plain, limits: Limits) -> Iterator[Plain]:
        if job["network"]["case"] == "feature_extractor":
            raise error
        return train(worker, job, limits)

    return start


# In place of a function: one that fails in Q1-1 alone.
FAILING: dict[str, Callable[[Exception], Callable[..., Any]]] = {
    "running.training.blinded": failing_blinding,
    "running.training.check_built": failing_check,
    "sandbox.worker.Worker.train": failing_training,
}


@pytest.mark.parametrize(
    ("place", "error"),
    [
        *(("sandbox.worker.Worker.train", error) for error in UNFORESEEN),
        ("running.training.blinded", MemoryError()),
        ("running.training.check_built", ValueError("reshape")),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_unforeseen_error_costs_one_training(
    place: str, error: Exception, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"grading.{place}", FAILING[place](error))
    journal = Journal(tmp_path / "journal.jsonl", plan.identity())
    with (tmp_path / "log").open("wb") as log:
        carry_out_one(Grading(plan, journal, log))
    assert journal.runs["Q1-1", 0].kind == "GRADER_ERROR"
    assert type(error).__name__ in str(journal.runs["Q1-1", 0].failure)
    assert journal.runs["Q1-3", 0].failure is None


def test_after_an_error_of_the_grader_a_training_is_repeated(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, plan.identity())
    journal.add(Run("Q1-1", 0, (), 1.0, "GRADER_ERROR", "no space left on device"))
    journal.add(Run("Q1-3", 0, (), 1.0, "CRASH", "died"))
    del journal
    resumed = Journal(path, plan.identity())
    assert set(resumed.runs) == {("Q1-3", 0)}
    resumed.add(Run("Q1-1", 0, (), 1.0, "TIMEOUT", "too long"))
    del resumed
    assert {run.kind for run in Journal(path, plan.identity()).runs.values()} == {"CRASH", "TIMEOUT"}
