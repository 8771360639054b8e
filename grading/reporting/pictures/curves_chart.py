"""Learning curves as a chart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grading.reporting.pictures.chart import add_axes, chart
from grading.reporting.pictures.curves import Curves, alt, caption, curves_of, exact_text, published_text
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
)
from grading.verdicts.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

HEIGHT = 250
LEFT, TOP, RIGHT, BOTTOM = 38, 8, 112, 36  # margins in pixels; the names of levels are on the right
LINE = 14  # pixels from one name to the next


@dataclass(frozen=True)
class Level:
    """A height that has a name beside the axes."""

    value: float
    name: str
    colour: Colour


def curves_figure(outcome: Outcome, epochs: int) -> Figure | None:
    """For the instructor; None if no training got through an epoch.

    Args:
        epochs: of a training, as planned.
    """
    curves = curves_of(outcome, epochs, exact=True)
    return None if curves is None else _figure(curves, for_students=False)


def student_curves_figure(outcome: Outcome, epochs: int) -> Figure | None:
    """For the student: metrics as in `grading.reporting.rounding`, and nothing of what they are held against."""
    curves = curves_of(outcome, epochs, exact=False)
    return None if curves is None else _figure(curves, for_students=True)


def _figure(curves: Curves, *, for_students: bool) -> Figure:
    content = chart(WIDTH, HEIGHT, lambda canvas: _draw(canvas, curves))
    return Figure(SVG, content, alt(curves), caption(curves), WIDTH, for_students=for_students)


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
            f"◆ published first {published_text(curves.initial)}",
            (0, 0),
            xytext=(-3, -27),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            color=PUBLISHED.stand_in,
            fontsize=TEXT - 1,
        )


def _levels(curves: Curves) -> list[Level]:
    levels = [Level(curves.best, f"published {published_text(curves.best)}", PUBLISHED)]
    if curves.threshold is not None:
        levels.append(Level(curves.threshold, f"PASS line {exact_text(curves.threshold)}", BOUNDARY))
    if curves.own_floor is not None:
        levels.append(Level(curves.own_floor, f"FAIL line {exact_text(curves.own_floor)}", BOUNDARY))
    if curves.expected is not None:
        levels.append(Level(curves.expected, f"reference {exact_text(curves.expected)}", QUIET))
    if curves.tail is not None and math.isfinite(curves.tail):
        levels.append(Level(curves.tail, f"this run {curves.as_text(curves.tail)}", SUBMISSION))
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
