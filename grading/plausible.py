"""Histories that no training of a recipe shows: too good at the end, too good after one epoch, or standing still.

A network that was trained at home knows from the first epoch on what the others learn, and ends above them. Nobody is
failed for that: a person looks at both curves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from grading import assignment
from grading.assignment import Configuration
from grading.calibrated import Measured
from grading.gate import tolerance_bound
from grading.journal import Run, tail_length

LEAST_RANGE = 0.01  # a calibrated range below this tells nobody from a network that stands still


@dataclass(frozen=True)
class Bounds:
    """What right submissions stay within; None where nothing was measured, or it says nothing.

    Attributes:
        most_initial, most_tail: of the metric's mean over seeds, after the first epoch and in the tail.
        least_range: between the best and the worst epoch before the tail.
    """

    most_initial: float | None = None
    most_tail: float | None = None
    least_range: float | None = None


UNKNOWN = Bounds()


def bounds_of(configuration: Configuration, measured: Measured, margin: float, rule: assignment.Gate) -> Bounds:
    """The bounds of a calibrated configuration.

    Each is what a share of `rule.coverage` of right submissions stays below, by the seeds and by the designs that were
    measured, and half a margin more. The tail has one only where the recipe is fixed, or free in its augmentation
    alone: a better decoder or challenger is welcome.
    """

    def most(*samples: Sequence[float]) -> float:
        known = [[-value for value in sample] for sample in samples if len(sample) > 1]
        return max(-tolerance_bound(sample, rule.coverage, rule.confidence) for sample in known) + margin / 2

    initial = most(measured.initials, list(measured.design_initials.values())) if len(measured.initials) > 1 else None
    tail = None
    if set(configuration.free) <= {"augmentation"} and len(measured.tails) > 1:
        tail = most(measured.tails, list(measured.designs.values()))
    least = measured.least_range
    return Bounds(initial, tail, None if least is None or least / 2 < LEAST_RANGE else least / 2)


def implausible(runs: Iterable[Run], metric: str, bounds: Bounds) -> str | None:
    """Why the finished trainings of a configuration are in doubt; None if they are not."""
    finished = [run for run in runs if run.failure is None]
    if not finished:
        return None
    initial, tail = (fmean(getattr(run, kind)(metric) for run in finished) for kind in ("initial", "tail"))
    moved = max(range_before_tail(run, metric) for run in finished)
    if bounds.most_tail is not None and tail > bounds.most_tail:
        found = f"its tail, {tail:.4f}, lies above {bounds.most_tail:.4f}"
    elif bounds.most_initial is not None and initial > bounds.most_initial:
        found = f"after its first epoch it reaches {initial:.4f}, above {bounds.most_initial:.4f}"
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
