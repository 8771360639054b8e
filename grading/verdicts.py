"""Trainings and structure to PASS, FAIL, REVIEW or INCOMPLETE."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from grading import assignment
from grading.assignment import Configuration, Profile
from grading.calibrated import Calibration
from grading.gate import Gate, tolerance_bound
from grading.journal import Run
from grading.suite import Checked


@dataclass(frozen=True)
class Outcome:
    """The verdict on one configuration.

    Attributes:
        verdict: `PASS`, `FAIL`, `REVIEW` or `INCOMPLETE`.
        reason: why, in a few lines.
        runs: the trainings that it rests on.
        gate: what they were held against.
        expected: the tail of the reference.
        basis: where `expected` comes from.
        distrusted: why its metrics cannot be taken at their word; None where they can.
    """

    configuration: Configuration
    verdict: str
    reason: str
    runs: tuple[Run, ...]
    gate: Gate
    expected: float
    basis: str
    distrusted: str | None = None

    @property
    def finished(self) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.failure is None)

    def mean(self, kind: str) -> float:
        """Mean over the finished trainings of `"initial"`, `"best"` or `"tail"`.

        Raises:
            statistics.StatisticsError: none was finished.
        """
        metric = self.configuration.metric
        return fmean(getattr(run, kind)(metric) for run in self.finished)

    @property
    def tail(self) -> float | None:
        """Mean over seeds of the tail; None where no training was finished."""
        return self.mean("tail") if self.finished else None

    @property
    def credit(self) -> float:
        """The share of its points: all of them for PASS and, until a person has decided, for REVIEW."""
        return float(self.verdict == "PASS" or (self.verdict == "REVIEW" and self.distrusted is None))


def gate_of(
    configuration: Configuration, profile: Profile, calibration: Calibration | None, rule: assignment.Gate
) -> tuple[Gate, float, str]:
    """A configuration's gate, the expected tail, and where that comes from.

    The reference may lie half a margin lower than calibrated. Where the assignment itself asks for a best epoch, the
    threshold is that, less what a best epoch lies above its tail. Where the design is free, see `grading.gate`.
    """
    if calibration is None or configuration.id not in calibration:
        published = configuration.published[configuration.metric]["best"]
        asked = configuration.required or published
        gate = Gate(asked - profile.margin, None, rule.least_sd, rule.sds * rule.least_sd, rule)
        return gate, published, "published, best epoch of one run; this profile is not calibrated"
    measured = calibration[configuration.id]
    metric = measured.metrics[configuration.metric]
    sd = max(metric.tail_sd, rule.least_sd)
    margin = max(rule.margin[configuration.task], rule.sds * sd)
    threshold = metric.tail_mean - margin / 2
    basis = f"measured with the reference over {measured.seeds} seeds"
    designs = list(measured.designs.values())
    if designs:
        threshold = min(threshold, min(designs))
        basis += f" and with {len(designs)} other designs"
    if configuration.required is not None:
        threshold = configuration.required - (metric.best_mean - metric.tail_mean)
    floor: float | None = threshold
    if configuration.free:
        known = {name.partition("-")[0] for name in measured.designs}
        every = len(designs) > 1 and set(configuration.free) <= known
        bound = tolerance_bound(designs, rule.coverage, rule.confidence) if every else None
        floor = None if bound is None else min(threshold, bound - margin / 2)
    return Gate(threshold, floor, sd, margin, rule), metric.tail_mean, basis


def judge(
    configuration: Configuration,
    runs: Iterable[Run],
    gate: tuple[Gate, float, str],
    *,
    seeds: int,
    withheld: str | None,
    calibrated: bool,
    broken: Checked | None = None,
) -> Outcome:
    """The verdict on one configuration; what is seen exactly decides before any statistics.

    Args:
        runs: the trainings that were run, finished or failed.
        gate: from `gate_of`.
        seeds: how many trainings there may be.
        withheld: why no verdict is to be given (trials, limits); None where one is.
        broken: a test of the configuration's structure that did not pass.
    """
    rule, expected, basis = gate
    done = tuple(sorted((run for run in runs if run.seed < seeds), key=lambda run: run.seed))
    outcome = Outcome(configuration, "INCOMPLETE", "", done, rule, expected, basis)
    if broken is not None:
        verdict = "INCOMPLETE" if broken.outcome in ("INCOMPLETE", "GRADER_ERROR") else "FAIL"
        return replace(outcome, verdict=verdict, reason=f"{broken.id}: {broken.outcome}\n{broken.message}")
    if (failed := first_failure(done)) is not None:
        verdict = "INCOMPLETE" if failed.kind == "GRADER_ERROR" else "FAIL"
        kind = "" if failed.kind == "FAIL" else f"{failed.kind}: "
        own = tuple(run for run in done if run.seed <= failed.seed)
        return replace(outcome, verdict=verdict, reason=f"seed {failed.seed}: {kind}{failed.failure}", runs=own)
    if withheld:
        return replace(outcome, reason=f"no verdict: {withheld}")
    if not calibrated:
        return _against_the_published(outcome, seeds)
    tails = distinct_tails(done, configuration.metric)
    decision = rule.decide(tails)
    if decision.verdict is None and len(done) < seeds:
        return replace(outcome, reason=f"{len(done)} trainings are finished, and undecided")
    mean = fmean(run.tail(configuration.metric) for run in done)
    said = f"{mean:.4f} in the mean of {_seeds(len(done))}"
    if decision.verdict == "PASS":
        reason = f"{said} lies above {rule.threshold:.4f}"
    elif decision.verdict == "FAIL":
        reason = f"{said} lies below {rule.floor:.4f}" + (
            ", what right submissions of nearly any design reach" if rule.floor != rule.threshold else ""
        )
    else:
        between = "" if rule.floor in (None, rule.threshold) else f" and {rule.floor:.4f}"
        reason = f"{said} does not decide it against {rule.threshold:.4f}{between}"
    if tails.count(None):
        reason += "; some trainings repeat others bit by bit, and count once: does the code set a seed of its own?"
    return replace(outcome, verdict=decision.verdict or "REVIEW", reason=reason)


def _against_the_published(outcome: Outcome, seeds: int) -> Outcome:
    """One best epoch of one run says too little to fail anyone."""
    if len(outcome.runs) < seeds:
        return replace(outcome, reason=f"{len(outcome.runs)} of {_seeds(seeds)} are finished")
    tail = fmean(run.tail(outcome.configuration.metric) for run in outcome.runs)
    if tail >= outcome.gate.threshold:
        return replace(outcome, verdict="PASS", reason=f"{tail:.4f} reaches {outcome.gate.threshold:.4f}")
    reason = f"{tail:.4f} is below {outcome.gate.threshold:.4f}; calibrate this profile to have it decided"
    return replace(outcome, verdict="REVIEW", reason=reason)


def first_failure(runs: Iterable[Run]) -> Run | None:
    """The training of the lowest seed that was not finished."""
    return min((run for run in runs if run.failure is not None), key=lambda run: run.seed, default=None)


def distinct_tails(runs: Sequence[Run], metric: str) -> list[float | None]:
    """The tail of each training; None for one whose history is that of an earlier one, bit by bit."""
    return [
        None if any(run.history == earlier.history for earlier in runs[:place]) else run.tail(metric)
        for place, run in enumerate(runs)
    ]


def needed_seeds(runs: Mapping[int, Run], gate: Gate, metric: str, most: int) -> range:
    """The seeds, from 0 on, that a configuration needs by what is known: those that decide it, or one more.

    The same seeds are needed whatever order the trainings end in: a run that was interrupted ends like any other.
    """
    known: list[Run] = []
    while len(known) in runs and len(known) < most:
        known.append(runs[len(known)])
        if known[-1].failure is not None:
            return range(len(known))
        decision = gate.decide(distinct_tails(known, metric))
        if decision.verdict is not None:
            return range(len(known))
    return range(min(most, max(len(known) + 1, gate.rule.fewest_seeds)))


def distrust(outcome: Outcome, why: str) -> Outcome:
    """An outcome whose metrics cannot be taken at their word: nothing is passed."""
    if outcome.verdict not in ("PASS", "REVIEW"):
        return outcome
    return replace(outcome, verdict="REVIEW", reason=f"{outcome.reason}\n{why}", distrusted=why)


def _seeds(count: int) -> str:
    return f"{count} seed{'' if count == 1 else 's'}"
