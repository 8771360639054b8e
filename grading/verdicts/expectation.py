"""What a configuration is held against: a gate, the expected tail, and where both come from."""

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
        gate: the boundaries of the verdict.
        metric: the name of the metric that decides.
        tail: the reference's tail, in `metric`.
        basis: where `tail` comes from, in words.
        boundary: what the gate's threshold is, in words.
        calibrated: whether the numbers were measured. If not, no number fails a submission.
        misfit: why the calibration does not apply to this run, and the command that makes one that does; None if it
            applies.
        measured: the calibration of this configuration; None if there is none.
        bounds: the bounds that right submissions stay within.
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
        """The gap that a control must show: half of the least gap of the right submissions that are not clearly weaker.

        Args:
            tail: the tail of the configuration that is controlled; None if it is not known yet.

        Returns:
            The gap; None if nobody has measured one.
        """
        if self.measured is None or self.misfit is not None:
            return None
        weaker_tail = self.tail if tail is None else min(tail, self.tail)
        least_gap = self.measured.least_control_gap(weaker_tail - self.gate.margin)
        return None if least_gap is None else least_gap / 2

    @cached_property
    def power(self) -> Power | None:
        """What the gate can tell apart; None if nothing was measured. It is simulated, so only on demand."""
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
    """The expectation by the calibration, or by the published figure if there is no calibration.

    Args:
        misfit: from `grading.running.conditions.misfits`. If it is given, the numbers are shown but decide nothing.
    """
    measured = None if calibration is None else calibration.get(configuration.id)
    if measured is None or configuration.metric not in measured.metrics:
        return _by_published_figure(configuration, profile, rule, misfit)
    return _by_calibration(configuration, measured, rule, misfit)


def _by_published_figure(
    configuration: Configuration, profile: Profile, rule: GateRule, misfit: str | None
) -> Expectation:
    """The threshold is the published best epoch, less a margin. A submission may pass by it, and never fails by it."""
    published = configuration.published[configuration.metric]["best"]
    threshold = (configuration.required or published) - profile.margin
    most_seeds = configuration.most_seeds or rule.most_seeds
    gate = Gate(threshold, None, rule.least_sd, rule.sds * rule.least_sd, rule, most_seeds)
    basis = "published, best epoch of one run; this profile is not calibrated"
    return Expectation(gate, configuration.metric, published, basis, calibrated=False, misfit=misfit)


def _by_calibration(
    configuration: Configuration, measured: Measured, rule: GateRule, misfit: str | None
) -> Expectation:
    """The boundaries are set by what the reference and other right designs were measured to reach."""
    spread = measured.metrics[configuration.metric]
    sd = max(spread.tail_sd, rule.least_sd)
    margin = max(rule.margin[configuration.task], (configuration.sds or rule.sds) * sd)
    threshold, boundary = _threshold(configuration, measured, margin)
    floor = _floor(configuration, measured, rule, threshold, margin, sd)
    basis = f"measured with the reference over {measured.seeds} seeds"
    if measured.designs:
        basis += f" and with {len(measured.designs)} other designs"
    return Expectation(
        Gate(threshold, floor, sd, margin, rule, configuration.most_seeds or rule.most_seeds),
        configuration.metric,
        spread.tail_mean,
        basis,
        boundary,
        misfit=misfit,
        measured=measured,
        bounds=UNKNOWN if misfit else bounds_of(configuration, measured, rule),
    )


def _threshold(configuration: Configuration, measured: Measured, margin: float) -> tuple[float, str]:
    """The boundary above which a submission passes, and what it is in words.

    It lies half a margin below the reference, or at the weakest typical right design if that is lower still. If the
    assignment itself asks for a best epoch, it is that epoch, less what a best epoch lies above its tail.
    """
    spread = measured.metrics[configuration.metric]
    if configuration.required is not None:
        boundary = f"the assignment's {configuration.required:g}, less what a best epoch lies above its tail"
        return configuration.required - (spread.best_mean - spread.tail_mean), boundary
    below_the_reference = spread.tail_mean - margin / 2
    if measured.designs:
        weakest = min(measured.designs[name] for name in measured.typical)
        if weakest < below_the_reference:
            return weakest, "what the weakest typical right design that was measured reaches"
    return below_the_reference, "half a margin below the reference"


def _floor(
    configuration: Configuration, measured: Measured, rule: GateRule, threshold: float, margin: float, sd: float
) -> float | None:
    """The boundary below which a submission fails, see `grading.verdicts.gate`; None if no number may fail it."""
    floor = threshold
    # A configuration with a narrower margin asks more of PASS, but FAIL needs as much evidence as elsewhere.
    if configuration.sds is not None:
        tail = measured.metrics[configuration.metric].tail_mean
        floor = min(threshold, tail - rule.sds * sd / 2)
    if not configuration.free:
        return floor
    designs = list(measured.designs.values())
    measured_modules = {name.partition("-")[0] for name in measured.designs}
    if len(designs) < 2 or not set(configuration.free) <= measured_modules:
        return None
    bound = tolerance_bound(designs, rule.coverage, rule.confidence)
    return None if bound is None else min(floor, bound - margin / 2, min(designs) - margin / 2)
