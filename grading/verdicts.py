"""Metrics of several seeds to PASS, FAIL, REVIEW or INCOMPLETE; and the report's conclusions, checked."""

import math
from dataclasses import dataclass
from statistics import fmean

from grading.assignment import Assignment, Configuration, Profile, Relation
from grading.calibrated import Calibration
from grading.journal import Run
from grading.suite import Checked

Z95 = 1.96  # of the normal distribution, for intervals of 95 %
STANDARD_ERRORS = 3.0


@dataclass(frozen=True)
class Outcome:
    """The verdict on one configuration.

    Attributes:
        verdict: `PASS`, `FAIL`, `REVIEW` or `INCOMPLETE`.
        reason: one sentence.
        runs: the trainings that it rests on.
        expected: what the tail is expected to be.
        threshold: the least mean tail that passes.
        basis: where `expected` comes from.
    """

    configuration: Configuration
    verdict: str
    reason: str
    runs: tuple[Run, ...]
    expected: float
    threshold: float
    basis: str

    @property
    def finished(self) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.failure is None)

    @property
    def tail(self) -> float | None:
        """Mean over seeds of the tail; None where no training was finished."""
        metric = self.configuration.metric
        return fmean(run.tail(metric) for run in self.finished) if self.finished else None


@dataclass(frozen=True)
class RelationOutcome:
    """One of the report's conclusions in this run: supported, undetermined or contradicted."""

    relation: Relation
    verdict: str
    difference: float | None
    interval: tuple[float, float] | None


def judge(
    configuration: Configuration,
    runs: tuple[Run, ...],
    profile: Profile,
    calibration: Calibration | None,
    *,
    seeds: int,
    withheld: str | None,
    broken: Checked | None = None,
) -> Outcome:
    """PASS where the mean over seeds of the tail is within a margin of the expected value, FAIL below.

    The margin is the profile's, or three standard errors of the mean where the calibrated spread over seeds is wide:
    a correct submission then fails by chance in less than two of a thousand gates.

    Args:
        runs: the trainings that were run, finished or failed.
        seeds: how many trainings were asked for.
        withheld: why no verdict is to be given (trials, limits); None where one is.
        broken: a test of the configuration's structure that did not pass.
    """
    expected, spread, basis = _expected(configuration, calibration)
    margin = max(profile.margin, STANDARD_ERRORS * spread / math.sqrt(seeds))
    threshold = expected - margin
    done = tuple(sorted(runs, key=lambda run: run.seed))
    outcome = Outcome(configuration, "INCOMPLETE", "", done, expected, threshold, basis)
    if broken is not None:
        verdict = "INCOMPLETE" if broken.outcome in ("INCOMPLETE", "GRADER_ERROR") else "FAIL"
        return _with(outcome, verdict, f"{broken.id}: {broken.outcome}\n{broken.message}")
    failures = [run for run in done if run.failure is not None]
    if failures:
        first = failures[0]
        verdict = "INCOMPLETE" if first.kind == "GRADER_ERROR" else "FAIL"
        kind = "" if first.kind == "FAIL" else f"{first.kind}: "
        return _with(outcome, verdict, f"seed {first.seed}: {kind}{first.failure}")
    if withheld:
        return _with(outcome, "INCOMPLETE", f"no verdict: {withheld}")
    if len(done) < seeds:
        return _with(outcome, "INCOMPLETE", f"{len(done)} of {seeds} trainings are finished")
    tail = outcome.tail
    assert tail is not None
    if math.isnan(tail) or tail < threshold:
        return _with(outcome, "FAIL", f"{tail:.4f} is below {threshold:.4f} = {expected:.4f} - {margin:.4f}")
    return _with(outcome, "PASS", f"{tail:.4f} reaches {threshold:.4f} = {expected:.4f} - {margin:.4f}")


def relate(relation: Relation, outcomes: dict[str, Outcome], calibration: Calibration | None) -> RelationOutcome | None:
    """Check one conclusion, in the worse configuration's metric; None where one of the two was not run.

    The interval is of 95 %, from the calibrated standard deviation over seeds; without a calibration there is none, and
    the verdict is undetermined.
    """
    if relation.better not in outcomes or relation.worse not in outcomes:
        return None
    better, worse = outcomes[relation.better], outcomes[relation.worse]
    if not better.finished or not worse.finished:
        return RelationOutcome(relation, "undetermined", None, None)
    metric = better.configuration.metric
    difference = fmean(run.tail(metric) for run in better.finished) - fmean(run.tail(metric) for run in worse.finished)
    if calibration is None:
        return RelationOutcome(relation, "undetermined", difference, None)
    variance = sum(
        calibration[outcome.configuration.id].metrics[metric].tail_sd ** 2 / len(outcome.finished)
        for outcome in (better, worse)
    )
    half = Z95 * math.sqrt(variance)
    interval = (difference - half, difference + half)
    verdict = "supported" if interval[0] > 0 else "contradicted" if interval[1] < 0 else "undetermined"
    return RelationOutcome(relation, verdict, difference, interval)


def relations(
    assignment: Assignment, outcomes: dict[str, Outcome], calibration: Calibration | None
) -> list[RelationOutcome]:
    """Every conclusion of the report whose two configurations were run."""
    related = (relate(relation, outcomes, calibration) for relation in assignment.relations)
    return [outcome for outcome in related if outcome is not None]


def _expected(configuration: Configuration, calibration: Calibration | None) -> tuple[float, float, str]:
    """The expected tail, its standard deviation over seeds (0 where not measured), and where both come from."""
    if calibration is not None and configuration.id in calibration:
        measured = calibration[configuration.id]
        metric = measured.metrics[configuration.metric]
        return metric.tail_mean, metric.tail_sd, f"measured with the reference over {measured.seeds} seeds"
    return configuration.published[configuration.metric]["best"], 0.0, "published, best epoch of one run"


def _with(outcome: Outcome, verdict: str, reason: str) -> Outcome:
    return Outcome(
        outcome.configuration,
        verdict,
        reason,
        outcome.runs,
        outcome.expected,
        outcome.threshold,
        outcome.basis,
    )
