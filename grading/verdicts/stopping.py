"""Which trainings the verdict on a configuration needs, and when they suffice."""

from collections.abc import Iterable, Mapping, Sequence

from grading.assignment.training_record import Run
from grading.verdicts.expectation import Expectation


def needed_seeds(runs: Mapping[int, Run], expectation: Expectation, metric: str, most_seeds: int) -> range:
    """The seeds that a configuration needs: from 0 to the deciding one, or if none decides, one more than are known.

    They do not depend on the order in which trainings end, so an interrupted run ends like any other.

    Args:
        runs: the known trainings by seed.
        most_seeds: the most trainings that there may be.
    """
    gate = expectation.gate
    most_seeds = min(most_seeds, gate.most_seeds)
    if expectation.misfit is not None:
        most_seeds = min(most_seeds, gate.rule.fewest_seeds)
    first_runs: list[Run] = []
    while len(first_runs) in runs and len(first_runs) < most_seeds:
        first_runs.append(runs[len(first_runs)])
        failed = first_runs[-1].failure is not None
        if failed or gate.decide(distinct_tails(first_runs, metric)).verdict is not None:
            return range(len(first_runs))
    return range(min(most_seeds, max(len(first_runs) + 1, gate.rule.fewest_seeds)))


def may_pass(runs: Iterable[Run], expectation: Expectation, metric: str, most_seeds: int) -> bool:
    """Whether a configuration passes by the known trainings, or may still pass.

    Args:
        most_seeds: the most trainings that there may be.
    """
    known = sorted(runs, key=lambda run: run.seed)
    if first_failure(known) is not None:
        return False
    if not expectation.calibrated or expectation.misfit is not None:
        return True
    verdict = expectation.gate.decide(distinct_tails(known, metric)).verdict
    return verdict == "PASS" or (verdict is None and len(known) < most_seeds)


def first_failure(runs: Iterable[Run]) -> Run | None:
    """The failed training of the lowest seed; None if none failed."""
    return min((run for run in runs if run.failure is not None), key=lambda run: run.seed, default=None)


def distinct_tails(runs: Sequence[Run], metric: str) -> list[float | None]:
    """The tail of each training; None for a training that equals an earlier one in every metric of every epoch."""
    tails: list[float | None] = []
    histories: list[list[dict[str, float]]] = []
    for run in runs:
        history = [_metrics(epoch) for epoch in run.history]
        tails.append(None if history in histories else run.tail(metric))
        histories.append(history)
    return tails


def _metrics(epoch: Mapping[str, float]) -> dict[str, float]:
    """An epoch without its loss, which is the submission's claim: the grader measures the rest itself."""
    return {name: value for name, value in epoch.items() if name != "loss"}
