"""Which classes are taken for which, and how well each is found."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grading.reporting.pictures.chart import add_axes, chart
from grading.reporting.pictures.figure import SVG, Figure
from grading.reporting.pictures.theme import (
    GRID,
    INK,
    LETTER,
    QUIET,
    SUBMISSION,
    WIDTH,
    class_colours,
    label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

NAME = 14  # letters of a class's name at most
LEAST_CELL = 20  # pixels: in a smaller one no number can be read
LARGEST_CELL = 100
STRONGEST = 0.6  # opacity of a cell: its number can be read on light and dark pages
BAR = 22  # pixels from one bar to the next


def confusion_figure(id: str, names: Sequence[str], counts: NDArray[np.int64], things: str) -> Figure:
    """A square for each pair of a true and a predicted class.

    Args:
        id: of the configuration.
        names: of the C classes.
        counts: int64 (C, C), true classes by predicted ones.
        things: what is counted, such as "pixels".
    """
    names = [label(name, NAME) for name in names]
    shares = _ratio(counts, counts.sum(axis=1, keepdims=True))
    room = int(max(map(len, names)) * LETTER) + 12
    cell = min((WIDTH - room - 30) / len(names), LARGEST_CELL)
    side = round(cell * len(names))
    upright = room > cell  # names below the columns
    below = (room if upright else 20) + 20
    height = 4 + side + below

    def draw(canvas: "Canvas") -> None:
        axes = add_axes(canvas, room + 16, 4, WIDTH - room - 16 - side, below)
        _draw_cells(axes, names, shares, numbers=cell >= LEAST_CELL)
        axes.tick_params(axis="x", rotation=90 if upright else 0)

    caption = f"Rows: the true class; numbers: per cent of its {things} that are taken for the class below."
    return Figure(
        SVG, chart(WIDTH, height, draw), _confusion_alt(id, names, counts, things), caption, WIDTH, for_students=False
    )


def iou_figure(id: str, names: Sequence[str], counts: NDArray[np.int64]) -> Figure:
    """A bar for each class: its intersection over union.

    Args:
        id, names, counts: as for `confusion_figure`.
    """
    colours = class_colours(names)
    names = [label(name, NAME) for name in names]
    right = np.diagonal(counts)
    ious = _ratio(right, counts.sum(axis=0) + counts.sum(axis=1) - right)
    mean = float(np.nanmean(ious))
    room = int(max(map(len, names)) * LETTER) + 12
    height = BAR * len(names) + 44

    def draw(canvas: "Canvas") -> None:
        axes = add_axes(canvas, room, 20, 52, 24)
        _draw_bars(axes, names, ious, colours, mean)

    present = [(name, iou) for name, iou in zip(names, ious, strict=True) if not np.isnan(iou)]
    listed = ", ".join(f"{name} {iou:.2f}" for name, iou in present)
    alt = f"IoU by class of {label(id)}: {listed}. Their mean is {mean:.3f}."
    caption = "IoU by class, of all validation pictures together after the last epoch of one training; void left out."
    return Figure(SVG, chart(WIDTH, height, draw), alt, caption, WIDTH, for_students=False)


def _draw_cells(axes: "Axes", names: Sequence[str], shares: NDArray[np.float64], *, numbers: bool) -> None:
    from matplotlib.patches import Rectangle

    count = len(names)
    axes.set_xlim(0, count)
    axes.set_ylim(count, 0)
    for row, column in np.argwhere(shares >= 0.005):
        share = shares[row, column]
        place = (column, row)
        axes.add_patch(Rectangle(place, 1, 1, facecolor=SUBMISSION.stand_in, alpha=STRONGEST * share, linewidth=0))
        if numbers:
            number = f"{100 * share:.0f}"
            axes.text(column + 0.5, row + 0.5, number, color=INK.stand_in, ha="center", va="center")
    lines = np.arange(count + 1)
    for draw in (axes.hlines, axes.vlines):
        draw(lines, 0, count, color=GRID.stand_in, linewidth=0.6)
    middles = np.arange(count) + 0.5
    axes.set_xticks(middles, names)
    axes.set_yticks(middles, names)
    axes.tick_params(length=0, labelcolor=INK.stand_in)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted", labelpad=2)
    axes.set_ylabel("true", labelpad=2)


def _draw_bars(
    axes: "Axes", names: Sequence[str], ious: NDArray[np.float64], colours: Sequence[str], mean: float
) -> None:
    rows = np.arange(len(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.barh(rows, np.nan_to_num(ious), height=0.64, color=colours, edgecolor=QUIET.stand_in, linewidth=0.8)
    beside = axes.get_yaxis_transform()  # x in axes, y in data
    for row, iou in enumerate(ious):
        text = "absent" if np.isnan(iou) else f"{iou:.2f}"
        axes.text(1.02, row, text, va="center", color=INK.stand_in, transform=beside)
    axes.axvline(mean, color=INK.stand_in, linestyle=(0, (4, 3)), linewidth=1.1)
    top = axes.get_xaxis_transform()  # x in data, y in axes
    axes.text(mean, 1.02, f"mean {mean:.3f}", ha="center", va="bottom", color=INK.stand_in, transform=top)
    axes.set_yticks(rows, names)
    axes.tick_params(axis="y", length=0, labelcolor=INK.stand_in)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])


def _confusion_alt(id: str, names: Sequence[str], counts: NDArray[np.int64], things: str) -> str:
    total = counts.sum()
    sentence = f"Confusion matrix of {label(id)}: {np.trace(counts) / total:.1%} of {total:,} {things} are right."
    shares = _ratio(counts, counts.sum(axis=1, keepdims=True))
    np.fill_diagonal(shares, 0)
    places = np.argsort(-np.nan_to_num(shares), axis=None)[:3]
    worst = [np.unravel_index(place, shares.shape) for place in places]
    confused = [
        f"{names[row]} for {names[column]} ({shares[row, column]:.0%})"
        for row, column in worst
        if shares[row, column] >= 0.005
    ]
    return f"{sentence} Most often taken: {', '.join(confused)}." if confused else sentence


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """NaN if there is no whole."""
    shape = np.broadcast_shapes(part.shape, whole.shape)
    return np.divide(part, whole, out=np.full(shape, np.nan), where=whole > 0)
