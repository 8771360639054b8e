"""What a configuration is held against: a gate, the expected tail, and where that comes from."""

from dataclasses import dataclass
from functools import cached_property

from grading.assignment.assignment import Configuration, GateRule, Profile
from grading.assignment.calibration import Calibration, Measured
from grading.verdicts.gate import Gate, tolerance_bound
from grading.verdicts.plausible import UNKNOWN, Bounds, bounds_of
from grading.verdicts.power import Power, power_of


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
    rule: GateRule,
    misfit: str | None = None,
) -> Expectation:
    """What a configuration is held against: the calibration, or the published figure if there is none.

    Args:
        misfit: from `grading.running.conditions.misfits`: the numbers are then there to be shown, and decide nothing.
    """
    if calibration is None or configuration.id not in calibration:
        return _published(configuration, profile, rule, misfit)
    return _calibrated(configuration, calibration[configuration.id], rule, misfit)


def _published(configuration: Configuration, profile: Profile, rule: GateRule, misfit: str | None) -> Expectation:
    """The published best epoch, less a margin: it passes, and fails nobody."""
    published = configuration.published[configuration.metric]["best"]
    threshold = (configuration.required or published) - profile.margin
    most_seeds = configuration.most_seeds or rule.most_seeds
    gate = Gate(threshold, None, rule.least_sd, rule.sds * rule.least_sd, rule, most_seeds)
    basis = "published, best epoch of one run; this profile is not calibrated"
    return Expectation(gate, configuration.metric, published, basis, calibrated=False, misfit=misfit)


def _calibrated(configuration: Configuration, measured: Measured, rule: GateRule, misfit: str | None) -> Expectation:
    """What the reference and other right designs were measured to reach."""
    metric = measured.metrics[configuration.metric]
    sd = max(metric.tail_sd, rule.least_sd)
    margin = max(rule.margin[configuration.task], (configuration.sds or rule.sds) * sd)
    threshold, boundary = _threshold(configuration, measured, margin)
    floor = _floor(configuration, measured, rule, threshold, margin, sd)
    basis = f"measured with the reference over {measured.seeds} seeds"
    if measured.designs:
        basis += f" and with {len(measured.designs)} other designs"
    return Expectation(
        Gate(threshold, floor, sd, margin, rule, configuration.most_seeds or rule.most_seeds),
        configuration.metric,
        metric.tail_mean,
        basis,
        boundary,
        misfit=misfit,
        measured=measured,
        bounds=UNKNOWN if misfit else bounds_of(configuration, measured, rule),
    )


def _threshold(configuration: Configuration, measured: Measured, margin: float) -> tuple[float, str]:
    """What PASS is held against, and what that is.

    The reference may lie half a margin lower than calibrated, or as low as the weakest typical design that is right. If
    the assignment itself asks for a best epoch, the threshold is that, less what a best epoch lies above its tail.
    """
    metric = measured.metrics[configuration.metric]
    if configuration.required is not None:
        boundary = f"the assignment's {configuration.required:g}, less what a best epoch lies above its tail"
        return configuration.required - (metric.best_mean - metric.tail_mean), boundary
    below_the_reference = metric.tail_mean - margin / 2
    if measured.designs:
        weakest = min(measured.designs[name] for name in measured.typical)
        if weakest < below_the_reference:
            return weakest, "what the weakest typical right design that was measured reaches"
    return below_the_reference, "half a margin below the reference"


def _floor(
    configuration: Configuration, measured: Measured, rule: GateRule, threshold: float, margin: float, sd: float
) -> float | None:
    """What FAIL is held against; None if no number may fail a submission, see `grading.verdicts.gate`."""
    floor = threshold
    # With a narrower margin of its own, PASS asks for more, and FAIL for no less evidence than elsewhere.
    if configuration.sds is not None:
        tail = measured.metrics[configuration.metric].tail_mean
        floor = min(threshold, tail - rule.sds * sd / 2)
    if not configuration.free:
        return floor
    designs = list(measured.designs.values())
    known = {name.partition("-")[0] for name in measured.designs}
    if len(designs) < 2 or not set(configuration.free) <= known:
        return None
    bound = tolerance_bound(designs, rule.coverage, rule.confidence)
    return None if bound is None else min(floor, bound - margin / 2, min(designs) - margin / 2)
