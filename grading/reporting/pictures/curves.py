"""Learning curves beside what they are held against."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from grading.assignment.calibration import Measured
from grading.assignment.training_record import tail_length
from grading.reporting.pictures.chart import add_axes, chart
from grading.reporting.pictures.figure import SVG, Figure
from grading.reporting.pictures.theme import (
    BOUNDARY,
    INK,
    PUBLISHED,
    QUIET,
    REFERENCE,
    SUBMISSION,
    TEXT,
    WIDTH,
    Colour,
    counted,
    label,
)
from grading.reporting.rounding import DECIMALS, rounded
from grading.verdicts.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

HEIGHT = 250
LEFT, TOP, RIGHT, BOTTOM = 38, 8, 112, 36  # margins in pixels; the names of levels are on the right
DECIMALS_EXACT = 3
LINE = 14  # pixels from one name to the next


@dataclass(frozen=True)
class Level:
    """A height that has a name beside the axes."""

    value: float
    name: str
    colour: Colour


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
    """What is drawn for a configuration.

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
    def begun(self) -> float:
        """The mean after the first epoch."""
        return fmean(history[0] for history in (*self.finished, *self.broken))

    @property
    def own_floor(self) -> float | None:
        """The boundary of FAIL, if it is not that of PASS."""
        return None if self.floor == self.threshold else self.floor

    def measured(self, value: float) -> str:
        """A metric of the trainings as text."""
        return f"{value:.{self.decimals}f}"


def curves_figure(outcome: Outcome, epochs: int) -> Figure | None:
    """For the instructor; None if no training got through an epoch.

    Args:
        epochs: of a training, as planned.
    """
    curves = _curves(outcome, epochs, exact=True)
    return None if curves is None else _figure(curves, shows_validation=True)


def student_curves_figure(outcome: Outcome, epochs: int) -> Figure | None:
    """For the student: metrics as in `grading.reporting.rounding`, and nothing of what they are held against."""
    curves = _curves(outcome, epochs, exact=False)
    return None if curves is None else _figure(curves, shows_validation=False)


def _curves(outcome: Outcome, epochs: int, *, exact: bool) -> Curves | None:
    metric = outcome.configuration.metric
    if not any(run.history for run in outcome.runs):
        return None
    shown: Callable[[float], float] = float if exact else _rounded
    finished = [[shown(value) for value in run.values(metric)] for run in outcome.finished]
    broken = [[shown(value) for value in run.values(metric)] for run in outcome.runs if run.failure is not None]
    published = outcome.configuration.published[metric]
    measured = outcome.expectation.measured
    held_against = exact and outcome.threshold is not None
    applies = held_against and measured is not None
    return Curves(
        label(outcome.configuration.id),
        label(metric),
        finished,
        [history for history in broken if history],
        None if outcome.tail is None else shown(outcome.tail),
        max(map(len, finished), default=epochs),
        DECIMALS_EXACT if exact else DECIMALS,
        published.get("initial"),
        published["best"],
        published.get("epoch"),
        threshold=outcome.threshold if held_against else None,
        floor=outcome.gate.floor if held_against else None,
        reference=measured.curve if applies and measured else (),
        expected=outcome.expectation.tail if applies else None,
        bands=_bands(measured) if applies and measured else (),
        seeds=measured.seeds if applies and measured else 0,
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


def _figure(curves: Curves, *, shows_validation: bool) -> Figure:
    content = chart(WIDTH, HEIGHT, lambda canvas: _draw(canvas, curves))
    return Figure(SVG, content, _alt(curves), _caption(curves), WIDTH, shows_validation)


def _draw(canvas: "Canvas", curves: Curves) -> None:
    axes = add_axes(canvas, LEFT, TOP, RIGHT, BOTTOM)
    last = max([curves.epochs, len(curves.reference), *map(len, curves.broken)])
    axes.set_xlim(0.5, last + 0.5)
    low, high = _range(curves)
    axes.set_ylim(low, high)
    axes.locator_params(axis="x", nbins=6, integer=True, min_n_ticks=1)
    axes.locator_params(axis="y", nbins=5)
    axes.set_xlabel("epoch", labelpad=1, loc="right")
    axes.axvspan(curves.tail_first - 0.5, curves.epochs + 0.5, color=INK.stand_in, alpha=0.07, linewidth=0)
    for band in curves.bands:
        span = [band.first - 0.5, band.last + 0.5]
        axes.fill_between(span, band.low, band.high, color=REFERENCE.stand_in, alpha=0.3, linewidth=0)
    _line(axes, curves.reference, REFERENCE, "--", 1.6)
    if curves.threshold is not None:
        axes.axhline(curves.threshold, color=BOUNDARY.stand_in, linestyle=(0, (6, 3)), linewidth=1.3)
    if curves.own_floor is not None:
        axes.axhline(curves.own_floor, color=BOUNDARY.stand_in, linestyle=(0, (2, 3)), linewidth=1.1)
    axes.axhline(curves.best, color=PUBLISHED.stand_in, linestyle=(0, (1, 2)), linewidth=1.3)
    for history in curves.finished:
        _line(axes, history, SUBMISSION, "-", 1.4, alpha=0.75)
    for history in curves.broken:
        _line(axes, history, SUBMISSION, ":", 1.4)
        axes.plot(len(history), history[-1], "x", color=SUBMISSION.stand_in, markersize=6)
    _mark_published(axes, curves)
    _name_levels(axes, _levels(curves), low, high)


def _range(curves: Curves) -> tuple[float, float]:
    """The least and the greatest value, and a little room. A boundary of FAIL may lie far below: it does not count."""
    levels = [curves.initial, curves.best, curves.threshold, *curves.reference]
    levels += [end for band in curves.bands for end in (band.low, band.high)]
    levels += [value for history in (*curves.finished, *curves.broken) for value in history]
    values = [value for value in levels if value is not None and math.isfinite(value)]
    room = max(0.06 * (max(values) - min(values)), 0.01)
    return min(values) - room, max(values) + room


def _line(axes: "Axes", values: Sequence[float], colour: Colour, dashes: str, width: float, alpha: float = 1.0) -> None:
    marker = "o" if len(values) == 1 else None
    epochs = range(1, len(values) + 1)
    axes.plot(epochs, values, dashes, color=colour.stand_in, linewidth=width, alpha=alpha, marker=marker, markersize=4)


def _mark_published(axes: "Axes", curves: Curves) -> None:
    """The published run: its first epoch, and its best one if it is known when that was."""
    for epoch, value in ((1.0, curves.initial), (curves.best_epoch, curves.best)):
        if epoch is not None and value is not None and epoch <= axes.get_xlim()[1]:
            axes.plot(epoch, value, "D", color=PUBLISHED.stand_in, markersize=5, clip_on=False)
    if curves.initial is not None:
        axes.annotate(
            f"◆ published first {_published(curves.initial)}",
            (0, 0),
            xytext=(-3, -27),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            color=PUBLISHED.stand_in,
            fontsize=TEXT - 1,
        )


def _levels(curves: Curves) -> list[Level]:
    levels = [Level(curves.best, f"published {_published(curves.best)}", PUBLISHED)]
    if curves.threshold is not None:
        levels.append(Level(curves.threshold, f"PASS above {_exact(curves.threshold)}", BOUNDARY))
    if curves.own_floor is not None:
        levels.append(Level(curves.own_floor, f"FAIL below {_exact(curves.own_floor)}", BOUNDARY))
    if curves.expected is not None:
        levels.append(Level(curves.expected, f"reference {_exact(curves.expected)}", QUIET))
    if curves.tail is not None and math.isfinite(curves.tail):
        levels.append(Level(curves.tail, f"this run {curves.measured(curves.tail)}", SUBMISSION))
    return levels


def _name_levels(axes: "Axes", levels: Sequence[Level], low: float, high: float) -> None:
    """Write the names beside the axes, each at its level or as near as there is room, with a line to it."""
    inside = HEIGHT - TOP - BOTTOM
    per_pixel = (high - low) / inside
    levels = sorted(levels, key=lambda level: level.value)
    shown = [min(max(level.value, low), high) for level in levels]
    heights = spread([(value - low) / per_pixel for value in shown], LINE, inside)
    beside = axes.get_yaxis_transform()  # x in axes, y in data
    for level, value, height in zip(levels, shown, heights, strict=True):
        y = low + height * per_pixel
        colour = level.colour.stand_in
        axes.plot([1.0, 1.03], [value, y], color=colour, linewidth=1, transform=beside, clip_on=False)
        axes.text(1.04, y, level.name, color=colour, fontsize=TEXT - 1, va="center", transform=beside)


def spread(heights: Sequence[float], least: float, room: float) -> list[float]:
    """Heights at least `least` apart, moved as little as a pass upwards and one downwards move them.

    Args:
        heights: rising.
        room: the greatest height that a name may have, if there is room for all.
    """
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + least) if moved else height)
    ceiling = room
    for place in reversed(range(len(moved))):
        moved[place] = min(moved[place], ceiling)
        ceiling = moved[place] - least
    return moved


def _exact(value: float) -> str:
    return f"{value:.{DECIMALS_EXACT}f}"


def _published(value: float) -> str:
    return f"{value:.4g}"


def _caption(curves: Curves) -> str:
    trainings = len(curves.finished) + len(curves.broken)
    parts = [f"{curves.metric} of {counted(trainings, 'training')}, the tail shaded"]
    if curves.broken:
        parts.append(f"dotted to a cross: {counted(len(curves.broken), 'training')} that broke off")
    if curves.reference:
        parts.append(f"dashed: the mean of the reference's {curves.seeds} seeds")
    if curves.bands:
        parts.append("grey: the range of their means over the first and the last fifth")
    return "; ".join(parts) + "."


def _alt(curves: Curves) -> str:
    """One to three sentences with the numbers."""
    sentence = (
        f"Learning curves of {curves.id}: {curves.metric} after each of {counted(curves.epochs, 'epoch')} in "
        f"{counted(len(curves.finished), 'finished training')}, {curves.measured(curves.begun)} after the first epoch"
    )
    if curves.tail is not None:
        sentence += f" and {curves.measured(curves.tail)} in the tail"
    if curves.broken:
        sentence += f"; {counted(len(curves.broken), 'training')} broke off"
    first = "" if curves.initial is None else f"{_published(curves.initial)} after the first epoch and "
    facts = [f"{sentence}.", f"Published: {first}{_published(curves.best)} after the best."]
    if curves.threshold is not None:
        facts.append(f"{'; '.join(_held_against(curves, curves.threshold))}.")
    return " ".join(facts)


def _held_against(curves: Curves, threshold: float) -> list[str]:
    boundaries = f"PASS lies above {_exact(threshold)}"
    if curves.own_floor is not None:
        boundaries += f", FAIL below {_exact(curves.own_floor)}"
    if curves.expected is None:
        return [boundaries]
    reference = f"the reference reaches {_exact(curves.expected)} over {counted(curves.seeds, 'seed')}"
    if curves.bands:
        reference += f", {_exact(curves.bands[-1].low)} to {_exact(curves.bands[-1].high)}"
    return [boundaries, reference]
