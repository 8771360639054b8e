"""Histories that no training of a recipe shows: too good at the end, too good at the start, or standing still.

A network that was trained at home knows from the first epoch on what other networks learn, and ends above them. Nobody
fails for that: a person looks at both learning curves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from grading.assignment.assignment import Configuration, GateRule
from grading.assignment.calibration import Measured
from grading.assignment.training_record import Run, tail_length
from grading.verdicts.gate import tolerance_bound

LEAST_RANGE = 0.01  # half a calibrated range below this is no different from a network that stands still


@dataclass(frozen=True)
class Bounds:
    """The bounds that right submissions stay within; None if there is none.

    Attributes:
        most_early: upper bound of the metric's mean over seeds in the first fifth of the epochs.
        most_tail: upper bound of its mean over seeds in the last fifth.
        least_range: lower bound of the distance of best and worst epoch before the tail.
    """

    most_early: float | None = None
    most_tail: float | None = None
    least_range: float | None = None


UNKNOWN = Bounds()


def bounds_of(configuration: Configuration, measured: Measured, rule: GateRule) -> Bounds:
    """The bounds of a calibrated configuration.

    A share of `rule.coverage` of right submissions stays below an upper bound, by the reference's seeds and by the
    typical designs. The tail is bounded only if the recipe is fixed, or free in its augmentation alone: a better
    decoder or challenger is welcome. The lower bound of the range is half of the least range that was measured.
    """
    typical_early = [measured.design_early[name] for name in measured.design_early if name in measured.typical]
    typical_tails = [measured.designs[name] for name in measured.designs if name in measured.typical]
    bounds_the_tail = set(configuration.free) <= {"augmentation"}
    half_range = None if measured.least_range is None else measured.least_range / 2
    return Bounds(
        most_early=_upper_bound(rule, measured.early, typical_early),
        most_tail=_upper_bound(rule, measured.tails, typical_tails) if bounds_the_tail else None,
        least_range=half_range if half_range is not None and half_range >= LEAST_RANGE else None,
    )


def _upper_bound(rule: GateRule, *samples: Sequence[float]) -> float | None:
    """The largest of the upper tolerance bounds of the samples; a sample of fewer than two values has none."""
    bounds = []
    for sample in samples:
        if len(sample) > 1:
            negated = [-value for value in sample]
            bounds.append(-tolerance_bound(negated, rule.coverage, rule.confidence))
    return max(bounds, default=None)


def implausible(runs: Iterable[Run], metric: str, bounds: Bounds) -> str | None:
    """Why the finished trainings of a configuration are in doubt; None if they are not."""
    finished = [run for run in runs if run.failure is None]
    excess = _beyond(finished, metric, bounds) if finished else None
    if excess is None:
        return None
    return (
        f"{excess}, the limit of what this recipe shows with right submissions: was the network trained before it was "
        "handed in? Compare its learning curve with the reference's in report.html"
    )


def _beyond(finished: Sequence[Run], metric: str, bounds: Bounds) -> str | None:
    """The first bound that the trainings, at least one, do not stay within, in words; None if they stay within all."""
    early = fmean(run.early(metric) for run in finished)
    tail = fmean(run.tail(metric) for run in finished)
    largest_range = max(range_before_tail(run, metric) for run in finished)
    if bounds.most_tail is not None and tail > bounds.most_tail:
        return f"its tail, {tail:.4f}, lies above {bounds.most_tail:.4f}"
    if bounds.most_early is not None and early > bounds.most_early:
        return f"in the first fifth of its epochs it reaches {early:.4f}, above {bounds.most_early:.4f}"
    if bounds.least_range is not None and largest_range < bounds.least_range:
        return f"its epochs before the tail differ by {largest_range:.4f} at most, below {bounds.least_range:.4f}"
    return None


def range_before_tail(run: Run, metric: str) -> float:
    """The distance of the best and the worst epoch before the tail; 0 for a training of one epoch."""
    values = run.values(metric)
    before_tail = values[: len(values) - tail_length(len(values))]
    return max(before_tail) - min(before_tail) if before_tail else 0.0
