"""Histories that no training of a recipe shows: too good at the end, too good at the start, or standing still.

A network that was trained at home knows from the first epoch on what the others learn, and ends above them. Nobody is
failed for that: a person looks at both curves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from grading.assignment.assignment import Configuration, GateRule
from grading.assignment.calibration import Measured
from grading.assignment.training_record import Run, tail_length
from grading.verdicts.gate import tolerance_bound

LEAST_RANGE = 0.01  # half a calibrated range below this tells nobody from a network that stands still


@dataclass(frozen=True)
class Bounds:
    """What right submissions stay within; None if nothing was measured, or it says nothing.

    Attributes:
        most_early, most_tail: of the metric's mean over seeds, in the first and the last fifth of the epochs.
        least_range: between the best and the worst epoch before the tail.
    """

    most_early: float | None = None
    most_tail: float | None = None
    least_range: float | None = None


UNKNOWN = Bounds()


def bounds_of(configuration: Configuration, measured: Measured, rule: GateRule) -> Bounds:
    """The bounds of a calibrated configuration.

    A bound above is what a share of `rule.coverage` of right submissions stays below, by the seeds and by the typical
    designs that were measured. The tail has one only where the recipe is fixed, or free in its augmentation alone: a
    better decoder or challenger is welcome. The range must be half of the least one.
    """
    fixed = set(configuration.free) <= {"augmentation"}
    least = measured.least_range
    early, tails = (
        [value for name, value in values.items() if name in measured.typical]
        for values in (measured.design_early, measured.designs)
    )
    return Bounds(
        _most(rule, measured.early, early),
        _most(rule, measured.tails, tails) if fixed else None,
        None if least is None or least / 2 < LEAST_RANGE else least / 2,
    )


def _most(rule: GateRule, *samples: Sequence[float]) -> float | None:
    """The largest of the upper tolerance bounds of samples."""
    known = [[-value for value in sample] for sample in samples if len(sample) > 1]
    return max((-tolerance_bound(sample, rule.coverage, rule.confidence) for sample in known), default=None)


def implausible(runs: Iterable[Run], metric: str, bounds: Bounds) -> str | None:
    """Why the finished trainings of a configuration are in doubt; None if they are not."""
    finished = [run for run in runs if run.failure is None]
    if not finished:
        return None
    early, tail = (fmean(getattr(run, kind)(metric) for run in finished) for kind in ("early", "tail"))
    moved = max(range_before_tail(run, metric) for run in finished)
    if bounds.most_tail is not None and tail > bounds.most_tail:
        found = f"its tail, {tail:.4f}, lies above {bounds.most_tail:.4f}"
    elif bounds.most_early is not None and early > bounds.most_early:
        found = f"in the first fifth of its epochs it reaches {early:.4f}, above {bounds.most_early:.4f}"
    elif bounds.least_range is not None and moved < bounds.least_range:
        found = f"its epochs before the tail differ by {moved:.4f} at most, below {bounds.least_range:.4f}"
    else:
        return None
    return (
        f"{found}, the limit of what this recipe shows with right submissions: was the network trained before it was "
        "handed in? Compare its learning curve with the reference's in report.html"
    )


def range_before_tail(run: Run, metric: str) -> float:
    """Between the best and the worst epoch before the tail; 0 for a training of one epoch."""
    values = run.values(metric)
    early = values[: len(values) - tail_length(len(values))]
    return max(early) - min(early) if early else 0.0
