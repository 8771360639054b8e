"""The report's conclusions as a forest plot: each difference with its interval."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from grading.reporting.pictures.chart import add_axes, chart
from grading.reporting.pictures.figure import SVG, Figure
from grading.reporting.pictures.theme import BOUNDARY, INK, SUBMISSION, WIDTH, label
from grading.verdicts.conclusions import RelationOutcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

ROW = 44  # pixels
LETTERS = 46  # of a conclusion
MARKERS = {"supported": "o", "undetermined": "s", "contradicted": "x"}
MEANINGS = {"undetermined": "hollow square: undetermined", "contradicted": "cross: contradicted"}


def conclusions_figure(relations: Sequence[RelationOutcome]) -> Figure | None:
    """A row for each conclusion that has an interval; None if none has."""
    shown = [relation for relation in relations if relation.interval is not None]
    if not shown:
        return None
    height = ROW * len(shown) + 26
    content = chart(WIDTH, height, lambda canvas: _draw(canvas, shown))
    return Figure(SVG, content, _alt(shown), _caption(shown), WIDTH, for_students=False)


def _draw(canvas: "Canvas", relations: Sequence[RelationOutcome]) -> None:
    axes = add_axes(canvas, 8, 2, 8, 24)
    axes.set_ylim(len(relations), 0)
    ends = [0.0]
    for row, relation in enumerate(relations):
        _draw_row(axes, row, relation)
        ends += [*(relation.interval or ()), relation.required or 0.0]
    room = max(0.05 * (max(ends) - min(ends)), 0.005)
    axes.set_xlim(min(ends) - room, max(ends) + room)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=6)


def _draw_row(axes: "Axes", row: int, relation: RelationOutcome) -> None:
    """A line of text, and the interval below it."""
    assert relation.interval is not None
    assert relation.difference is not None
    across = axes.get_yaxis_transform()  # x in axes, y in data
    axes.text(0, row + 0.26, label(relation.relation.id, LETTERS), color=INK.stand_in, va="center", transform=across)
    difference = f"{relation.difference:+.3f}"
    axes.text(1, row + 0.26, difference, color=INK.stand_in, ha="right", va="center", transform=across)
    y = row + 0.66
    axes.plot([0, 0], [y - 0.24, y + 0.34], color=INK.stand_in, linewidth=1)
    axes.plot(relation.interval, [y, y], color=SUBMISSION.stand_in, linewidth=2.2, solid_capstyle="butt")
    filled = SUBMISSION.stand_in if relation.verdict == "supported" else "none"
    (marker,) = axes.plot(relation.difference, y, MARKERS[relation.verdict], color=SUBMISSION.stand_in)
    marker.set(markersize=8, markeredgewidth=1.8, markerfacecolor=filled)
    if relation.required is not None:
        axes.plot([relation.required] * 2, [y - 0.2, y + 0.2], color=BOUNDARY.stand_in, linewidth=2)


def _caption(relations: Sequence[RelationOutcome]) -> str:
    parts = ["Difference of the tails with its 95 % interval"]
    verdicts = {relation.verdict for relation in relations}
    parts += [meaning for verdict, meaning in MEANINGS.items() if verdict in verdicts]
    if any(relation.required is not None for relation in relations):
        parts.append("green: the required difference, half of what was published")
    return "; ".join(parts) + "."


def _alt(relations: Sequence[RelationOutcome]) -> str:
    rows = [_in_words(relation) for relation in relations]
    return f"The report's conclusions, each with its difference and 95 % interval. {'; '.join(rows)}."


def _in_words(relation: RelationOutcome) -> str:
    assert relation.interval is not None
    low, high = relation.interval
    name = label(relation.relation.id, LETTERS)
    words = f"{name}: {relation.verdict}, {relation.difference:+.3f} ({low:+.3f} to {high:+.3f})"
    return words if relation.required is None else f"{words}, {relation.required:+.3f} required"
