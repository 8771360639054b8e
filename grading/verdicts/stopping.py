"""Which trainings the verdict on a configuration needs, and when they suffice."""

from collections.abc import Iterable, Mapping, Sequence

from grading.assignment.training_record import Run
from grading.verdicts.expectation import Expectation


def first_failure(runs: Iterable[Run]) -> Run | None:
    """The training of the lowest seed that was not finished."""
    return min((run for run in runs if run.failure is not None), key=lambda run: run.seed, default=None)


def distinct_tails(runs: Sequence[Run], metric: str) -> list[float | None]:
    """The tail of each training; None for one whose metrics are those of an earlier one in every epoch."""
    measured = [[_without_claims(epoch) for epoch in run.history] for run in runs]
    return [None if measured[place] in measured[:place] else run.tail(metric) for place, run in enumerate(runs)]


def _without_claims(epoch: Mapping[str, float]) -> dict[str, float]:
    """What the grader has measured itself: the loss is what the submission says it is."""
    return {name: value for name, value in epoch.items() if name != "loss"}


def needed_seeds(runs: Mapping[int, Run], expectation: Expectation, metric: str, most: int) -> range:
    """The seeds, from 0 on, that a configuration needs by what is known: those that decide it, or one more.

    The same seeds are needed whatever order the trainings end in: a run that was interrupted ends like any other.
    """
    gate, known = expectation.gate, list[Run]()
    most = min(most, gate.most_seeds)
    if expectation.misfit is not None:
        most = min(most, gate.rule.fewest_seeds)
    while len(known) in runs and len(known) < most:
        known.append(runs[len(known)])
        if known[-1].failure is not None:
            return range(len(known))
        decision = gate.decide(distinct_tails(known, metric))
        if decision.verdict is not None:
            return range(len(known))
    return range(min(most, max(len(known) + 1, gate.rule.fewest_seeds)))


def may_pass(runs: Iterable[Run], expectation: Expectation, metric: str, seeds: int) -> bool:
    """Whether a configuration passes, or may pass yet, by the trainings that are known.

    Args:
        seeds: how many trainings there may be.
    """
    done = sorted(runs, key=lambda run: run.seed)
    if first_failure(done) is not None:
        return False
    if not expectation.calibrated or expectation.misfit is not None:
        return True
    verdict = expectation.gate.decide(distinct_tails(done, metric)).verdict
    return verdict == "PASS" or (verdict is None and len(done) < seeds)
