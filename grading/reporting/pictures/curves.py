"""What is told of a configuration's trainings: their curves, what they are held against, and both in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from grading.assignment.calibration import Measured
from grading.assignment.training_record import tail_length
from grading.reporting.comparison import metric_name
from grading.reporting.pictures.theme import counted, label
from grading.reporting.rounding import DECIMALS, rounded
from grading.verdicts.outcome import Outcome

EXACT = 3  # decimals


@dataclass(frozen=True)
class Band:
    """Where the calibration's seeds lie over some epochs.

    Attributes:
        first, last: epochs, from 1.
        low, high: least and greatest mean of a seed over these epochs.
    """

    first: int
    last: int
    low: float
    high: float


@dataclass(frozen=True)
class Curves:
    """What is told of a configuration's trainings.

    Attributes:
        finished, broken: by training, the metric after each epoch.
        tail: of the finished trainings; None if there is none.
        epochs: of a finished training.
        decimals: of the trainings' metrics.
        initial, best: published; None if it was not.
        best_epoch: None if it was not published.
        threshold, floor: the boundaries of the gate; None if no number decides, or if they are not shown.
        reference: by epoch, the mean of the calibration's seeds; empty if the calibration does not apply.
        bands: of the calibration's seeds.
        expected: the reference's tail.
        seeds: how many the calibration has.
    """

    id: str
    metric: str
    finished: Sequence[Sequence[float]]
    broken: Sequence[Sequence[float]]
    tail: float | None
    epochs: int
    decimals: int
    initial: float | None
    best: float
    best_epoch: float | None
    threshold: float | None = None
    floor: float | None = None
    reference: Sequence[float] = ()
    expected: float | None = None
    bands: Sequence[Band] = ()
    seeds: int = 0

    @property
    def tail_first(self) -> int:
        """The first epoch of the tail."""
        return self.epochs - tail_length(self.epochs) + 1

    @property
    def first_epoch(self) -> float:
        """The mean after the first epoch."""
        return fmean(history[0] for history in (*self.finished, *self.broken))

    @property
    def own_floor(self) -> float | None:
        """The boundary of FAIL, if it is not that of PASS."""
        return None if self.floor == self.threshold else self.floor

    def as_text(self, value: float) -> str:
        """A metric of the trainings as text."""
        return f"{value:.{self.decimals}f}"


def curves_of(outcome: Outcome, epochs: int, *, exact: bool) -> Curves | None:
    """What is told of an outcome's trainings; None if none of them got through an epoch.

    Args:
        epochs: of a training, as planned.
        exact: whether metrics are exact, and what they are held against is told. If not, they are rounded as in
            `grading.reporting.rounding`.
    """
    metric = outcome.configuration.metric
    if not any(run.history for run in outcome.runs):
        return None
    shown: Callable[[float], float] = float if exact else _rounded
    finished = [[shown(value) for value in run.values(metric)] for run in outcome.finished]
    broken = [[shown(value) for value in run.values(metric)] for run in outcome.runs if run.failure is not None]
    published = outcome.configuration.published[metric]
    curves = Curves(
        label(outcome.configuration.id),
        label(metric_name(metric)),
        finished,
        [history for history in broken if history],
        None if outcome.tail is None else shown(outcome.tail),
        max(map(len, finished), default=epochs),
        EXACT if exact else DECIMALS,
        published.get("initial"),
        published["best"],
        published.get("epoch"),
    )
    return _held_against(curves, outcome) if exact and outcome.threshold is not None else curves


def _held_against(curves: Curves, outcome: Outcome) -> Curves:
    """The same with the gate and the calibration."""
    curves = replace(curves, threshold=outcome.threshold, floor=outcome.gate.floor)
    measured = outcome.expectation.measured
    if measured is None:
        return curves
    return replace(
        curves,
        reference=measured.curve,
        expected=outcome.expectation.tail,
        bands=_bands(measured),
        seeds=measured.seeds,
    )


def _rounded(value: float) -> float:
    return rounded(value) or 0.0


def _bands(measured: Measured) -> list[Band]:
    """The calibration keeps no epoch of a single seed, but its means over the first and the last fifth."""
    epochs = len(measured.curve)
    if not epochs:
        return []
    fifth = tail_length(epochs)
    parts = ((1, fifth, measured.early), (epochs - fifth + 1, epochs, measured.tails))
    return [Band(first, last, min(means), max(means)) for first, last, means in parts if means]


def exact_text(value: float) -> str:
    """A metric that only instructors see."""
    return f"{value:.{EXACT}f}"


def published_text(value: float) -> str:
    """A published figure, with the digits that it has."""
    return f"{value:.4g}"


def caption(curves: Curves) -> str:
    """A line below the chart."""
    trainings = len(curves.finished) + len(curves.broken)
    parts = [f"{curves.metric} of {counted(trainings, 'training')}, the tail shaded"]
    if curves.broken:
        parts.append(f"dotted to a cross: {counted(len(curves.broken), 'training')} that broke off")
    if curves.reference:
        parts.append(f"dashed: the mean of the reference's {curves.seeds} seeds")
    if curves.bands:
        parts.append("grey: the range of their means over the first and the last fifth")
    return "; ".join(parts) + "."


def alt(curves: Curves) -> str:
    """One to three sentences with the numbers."""
    sentence = (
        f"Learning curves of {curves.id}: {curves.metric} after each of {counted(curves.epochs, 'epoch')} in "
        f"{counted(len(curves.finished), 'finished training')}, "
        f"{curves.as_text(curves.first_epoch)} after the first epoch"
    )
    if curves.tail is not None:
        sentence += f" and {curves.as_text(curves.tail)} in the tail"
    if curves.broken:
        sentence += f"; {counted(len(curves.broken), 'training')} broke off"
    first = "" if curves.initial is None else f"{published_text(curves.initial)} after the first epoch and "
    facts = [f"{sentence}.", f"Published: {first}{published_text(curves.best)} after the best."]
    if curves.threshold is not None:
        facts.append(f"{'; '.join(_expectation_in_words(curves, curves.threshold))}.")
    return " ".join(facts)


def _expectation_in_words(curves: Curves, threshold: float) -> list[str]:
    boundaries = f"PASS lies above {exact_text(threshold)}"
    if curves.own_floor is not None:
        boundaries += f", FAIL below {exact_text(curves.own_floor)}"
    if curves.expected is None:
        return [boundaries]
    reference = f"the reference reaches {exact_text(curves.expected)} over {counted(curves.seeds, 'seed')}"
    if curves.bands:
        reference += f", {exact_text(curves.bands[-1].low)} to {exact_text(curves.bands[-1].high)}"
    return [boundaries, reference]
