"""Trainings and structure to PASS, FAIL, REVIEW or INCOMPLETE."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

from grading.assignment import assignment
from grading.assignment.assignment import Configuration, Profile
from grading.assignment.calibration import Calibration, Measured
from grading.verdicts.gate import Gate, tolerance_bound
from grading.running.journal import Run
from grading.verdicts.plausible import UNKNOWN, Bounds, bounds_of
from grading.verdicts.power import Power, power_of
from grading.running.api_tests import Checked
from grading.verdicts.undecided import look_at, undecided


@dataclass(frozen=True)
class Outcome:
    """The verdict on one configuration.

    Attributes:
        verdict: `PASS`, `FAIL`, `REVIEW` or `INCOMPLETE`.
        reason: why, in a few lines.
        runs: the trainings that it rests on.
        expectation: what they were held against.
        distrusted: why its metrics cannot be taken at their word; None where they can.
    """

    configuration: Configuration
    verdict: str
    reason: str
    runs: tuple[Run, ...]
    expectation: "Expectation"
    distrusted: str | None = None

    @property
    def gate(self) -> Gate:
        return self.expectation.gate

    @property
    def threshold(self) -> float | None:
        """What PASS is held against; None if no number decides."""
        return self.gate.threshold if self.expectation.misfit is None else None

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
    def may_earn(self) -> bool:
        """Whether it is passed, or left to a person."""
        return self.verdict in ("PASS", "REVIEW")

    @property
    def credit(self) -> float:
        """The share of its points: all of them for PASS and, until a person has decided, for REVIEW."""
        return float(self.verdict == "PASS" or (self.verdict == "REVIEW" and self.distrusted is None))


@dataclass(frozen=True)
class Expectation:
    """What a configuration is held against.

    Attributes:
        tail: of the reference, in `metric`.
        basis: where `tail` comes from.
        boundary: what the gate's threshold is.
        calibrated: whether the numbers were measured. If not, no number fails a submission.
        misfit: why the calibration says nothing about this run, with the command that makes another; None if it does.
        measured: the calibration that it rests on; None if there is none.
        bounds: what right submissions stay within.
    """

    gate: Gate
    metric: str
    tail: float
    basis: str
    boundary: str = ""
    calibrated: bool = True
    misfit: str | None = None
    measured: Measured | None = None
    bounds: Bounds = UNKNOWN

    def least_control_gap(self, tail: float | None) -> float | None:
        """What a control must show: half of what the least right submission does that is not clearly weaker.

        Args:
            tail: of the configuration that is controlled; None if it is not known yet.

        Returns:
            None if nobody has measured it.
        """
        if self.measured is None or self.misfit is not None:
            return None
        reached = self.tail if tail is None else min(tail, self.tail)
        least = self.measured.least_control_gap(reached - self.gate.margin)
        return None if least is None else least / 2

    @cached_property
    def power(self) -> Power | None:
        """What the gate can tell apart; None if nothing was measured. Simulated, so only on demand."""
        if self.measured is None or self.misfit is not None:
            return None
        return power_of(self.gate, self.measured, self.metric)


def expectation_of(
    configuration: Configuration,
    profile: Profile,
    calibration: Calibration | None,
    rule: assignment.Gate,
    misfit: str | None = None,
) -> Expectation:
    """A configuration's gate, the expected tail, and where that comes from.

    The reference may lie half a margin lower than calibrated. If the assignment itself asks for a best epoch, the
    threshold is that, less what a best epoch lies above its tail. If the design is free, see `grading.verdicts.gate`.

    Args:
        misfit: from `grading.running.conditions.misfits`: the numbers are then there to be shown, and decide nothing.
    """
    most_seeds = configuration.most_seeds or rule.most_seeds
    if calibration is None or configuration.id not in calibration:
        published = configuration.published[configuration.metric]["best"]
        asked = configuration.required or published
        gate = Gate(asked - profile.margin, None, rule.least_sd, rule.sds * rule.least_sd, rule, most_seeds)
        basis = "published, best epoch of one run; this profile is not calibrated"
        return Expectation(gate, configuration.metric, published, basis, calibrated=False, misfit=misfit)
    measured = calibration[configuration.id]
    metric = measured.metrics[configuration.metric]
    sd = max(metric.tail_sd, rule.least_sd)
    margin = max(rule.margin[configuration.task], (configuration.sds or rule.sds) * sd)
    threshold = metric.tail_mean - margin / 2
    boundary = "half a margin below the reference"
    basis = f"measured with the reference over {measured.seeds} seeds"
    designs = list(measured.designs.values())
    if designs:
        basis += f" and with {len(designs)} other designs"
        weakest = min(measured.designs[name] for name in measured.typical)
        if weakest < threshold:
            threshold, boundary = weakest, "what the weakest typical right design that was measured reaches"
    if configuration.required is not None:
        threshold = configuration.required - (metric.best_mean - metric.tail_mean)
        boundary = f"the assignment's {configuration.required:g}, less what a best epoch lies above its tail"
    # With a narrower margin of its own, PASS asks for more, and FAIL for no less evidence than elsewhere.
    floor: float | None = threshold
    if configuration.sds is not None:
        floor = min(threshold, metric.tail_mean - rule.sds * sd / 2)
    if configuration.free:
        known = {name.partition("-")[0] for name in measured.designs}
        every = len(designs) > 1 and set(configuration.free) <= known
        bound = tolerance_bound(designs, rule.coverage, rule.confidence) if every else None
        floor = None if bound is None or floor is None else min(floor, bound - margin / 2, min(designs) - margin / 2)
    gate = Gate(threshold, floor, sd, margin, rule, most_seeds)
    bounds = UNKNOWN if misfit else bounds_of(configuration, measured, rule)
    return Expectation(
        gate, configuration.metric, metric.tail_mean, basis, boundary, misfit=misfit, measured=measured, bounds=bounds
    )


def judge(
    configuration: Configuration,
    runs: Iterable[Run],
    expectation: Expectation,
    *,
    seeds: int,
    withheld: str | None,
    broken: Checked | None = None,
) -> Outcome:
    """The verdict on one configuration; what is seen exactly decides before any statistics.

    Args:
        runs: the trainings that were run, finished or failed.
        seeds: how many trainings there may be.
        withheld: why no verdict is to be given (trials, limits); None if one is.
        broken: a test of the configuration's structure that did not pass.
    """
    done = tuple(sorted((run for run in runs if run.seed < seeds), key=lambda run: run.seed))
    outcome = Outcome(configuration, "INCOMPLETE", "", done, expectation)
    if broken is not None:
        verdict = "INCOMPLETE" if broken.outcome == "GRADER_ERROR" else "FAIL"
        return replace(outcome, verdict=verdict, reason=f"{broken.id}: {broken.outcome}\n{broken.message}")
    if (failed := first_failure(done)) is not None:
        verdict = "INCOMPLETE" if failed.kind == "GRADER_ERROR" else "FAIL"
        kind = "" if failed.kind == "FAIL" else f"{failed.kind}: "
        own = tuple(run for run in done if run.seed <= failed.seed)
        return replace(outcome, verdict=verdict, reason=f"seed {failed.seed}: {kind}{failed.failure}", runs=own)
    if withheld:
        return replace(outcome, reason=f"no verdict: {withheld}")
    if expectation.misfit is not None:
        return _without_numbers(outcome, min(seeds, expectation.gate.rule.fewest_seeds))
    if not expectation.calibrated:
        return _against_the_published(outcome, seeds)
    return _by_numbers(outcome, seeds)


def _by_numbers(outcome: Outcome, seeds: int) -> Outcome:
    """PASS, FAIL or REVIEW by the gate."""
    gate, done, metric = outcome.gate, outcome.runs, outcome.configuration.metric
    tails = distinct_tails(done, metric)
    decision = gate.decide(tails)
    if decision.verdict is None and len(done) < seeds:
        return replace(outcome, reason=f"{len(done)} trainings are finished, and undecided")
    verdict = decision.verdict or "REVIEW"
    mean = f"{outcome.mean('tail'):.4f} in the mean of {_seeds(len(done))}"
    if verdict == "PASS":
        reason = f"{mean} lies above {gate.threshold:.4f}, {outcome.expectation.boundary}"
        power = outcome.expectation.power
        gain = outcome.mean("tail") - outcome.mean("initial")
        if power is not None and power.least_gain is not None and gain < power.least_gain:
            verdict = "REVIEW"
            reason += (
                f". But it lies only {gain:+.4f} above its own first epoch, and every right submission that was "
                f"measured gained twice {power.least_gain:.4f}: did it stop learning? {look_at(outcome.configuration)}"
            )
    elif verdict == "FAIL":
        reason = f"{mean} lies below {gate.floor:.4f}" + (
            ", what right submissions of nearly any design reach" if outcome.configuration.free else ""
        )
    else:
        reason = undecided(outcome, tails, decision)
    if tails.count(None):
        reason = (
            f"{reason.rstrip('.')}. Some trainings repeat others in every metric, and count once: does the code set a "
            "seed of its own?"
        )
    return replace(outcome, verdict=verdict, reason=reason)


def _without_numbers(outcome: Outcome, seeds: int) -> Outcome:
    """Nobody has measured what a right submission reaches here, and the published figures are of another experiment."""
    if len(outcome.runs) < seeds:
        return replace(outcome, reason=f"{len(outcome.runs)} of {_seeds(seeds)} are finished")
    reason = (
        f"{outcome.mean('tail'):.4f} in the mean of {_seeds(len(outcome.runs))}, and no number to hold it against: "
        f"{outcome.expectation.misfit}. Until then a person decides. {look_at(outcome.configuration)}"
    )
    return replace(outcome, verdict="REVIEW", reason=reason)


def _against_the_published(outcome: Outcome, seeds: int) -> Outcome:
    """One best epoch of one run says too little to fail anyone."""
    if len(outcome.runs) < seeds:
        return replace(outcome, reason=f"{len(outcome.runs)} of {_seeds(seeds)} are finished")
    tail, threshold = outcome.mean("tail"), outcome.gate.threshold
    if tail >= threshold:
        return replace(outcome, verdict="PASS", reason=f"{tail:.4f} reaches {threshold:.4f}")
    reason = (
        f"{tail:.4f} is below {threshold:.4f}, the published figure less a margin; calibrate this profile to have it "
        f"decided. {look_at(outcome.configuration)}"
    )
    return replace(outcome, verdict="REVIEW", reason=reason)


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


def without_control(outcome: Outcome, control: str) -> Outcome:
    """An outcome whose control has not been trained: nothing shows yet that the submission learns."""
    if not outcome.may_earn:
        return outcome
    return replace(outcome, verdict="INCOMPLETE", reason=f"{outcome.reason}\n{control} has not been trained")


def distrust(outcome: Outcome, why: str) -> Outcome:
    """An outcome whose metrics cannot be taken at their word: nothing is passed."""
    if not outcome.may_earn:
        return outcome
    return replace(outcome, verdict="REVIEW", reason=f"{outcome.reason}\n{why}", distrusted=why)


def _seeds(count: int) -> str:
    return f"{count} seed{'' if count == 1 else 's'}"
