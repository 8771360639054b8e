"""Whatever goes wrong in one training is that one's: the others go on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.running.journal import Journal
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import make_plan
from grading.running.scheduler import carry_out
from grading.sandbox.worker import Worker

pytestmark = pytest.mark.slow

UNFORESEEN = [ValueError("reshape"), KeyError("epochs"), MemoryError(), RecursionError("deep"), OSError(28, "no space")]


@pytest.fixture
def plan(quick_weights: None) -> Plan:
    options = parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q1-3", "--epochs", "1", "--limit", "8"])
    return with_weights(make_plan(options), None, print)


@pytest.mark.parametrize(
    ("place", "error"),
    [
        *(("Worker.train", error) for error in UNFORESEEN),
        ("blinded", MemoryError()),
        ("check_built", ValueError("reshape")),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_unforeseen_error_costs_one_training(
    place: str, error: Exception, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: Any) -> Any:
        raise error

    def one_fails(plan: Plan, configuration: Configuration, seed: int) -> Any:
        return fails() if configuration.id == "Q1-1" else blinded(plan, configuration, seed)

    def one_is_not_checked(configuration: Configuration, *others: Any) -> None:
        if configuration.id == "Q1-1":
            fails()

    def one_stops(worker: Worker, job: Any, limits: Any) -> Iterator[Any]:
        return fails() if job["network"]["case"] == "feature_extractor" else train(worker, job, limits)

    from grading.running.training import blinded

    train = Worker.train
    replaced = {"blinded": one_fails, "check_built": one_is_not_checked, "Worker.train": one_stops}[place]
    monkeypatch.setattr(f"grading.running.training.{place}", replaced)
    journal = Journal(tmp_path / "journal.jsonl", plan.identity())
    with (tmp_path / "log").open("wb") as log:
        carry_out(plan, journal, lambda *_: None, lambda *_: None, log)
    assert journal.runs["Q1-1", 0].kind == "GRADER_ERROR"
    assert type(error).__name__ in str(journal.runs["Q1-1", 0].failure)
    assert journal.runs["Q1-3", 0].failure is None


def test_what_the_grader_could_not_train_is_trained_when_it_goes_on(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, plan.identity())
    journal.add(Run("Q1-1", 0, (), 1.0, "GRADER_ERROR", "no space left on device"))
    journal.add(Run("Q1-3", 0, (), 1.0, "CRASH", "died"))
    del journal
    again = Journal(path, plan.identity())
    assert set(again.runs) == {("Q1-3", 0)}
    again.add(Run("Q1-1", 0, (), 1.0, "TIMEOUT", "too long"))
    del again
    assert {run.kind for run in Journal(path, plan.identity()).runs.values()} == {"CRASH", "TIMEOUT"}
