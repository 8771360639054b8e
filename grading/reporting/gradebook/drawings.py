"""Numbers of a class as places in SVG drawings."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

# In SVG units.
WIDTH, MARGIN = 340, 12
BARS, STRIP = 130, 84  # heights without the axis
AXIS = 18
DOT = 8  # between the middles of two dots
STEPS = (1, 2, 2.5, 5, 10, 20, 25, 50, 100)
MOST_BARS = 20


@dataclass(frozen=True)
class Scale:
    """From values to places along an axis."""

    low: float
    high: float

    def x(self, value: float) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * (value - self.low) / (self.high - self.low), 1)


@dataclass(frozen=True)
class Bar:
    """Submissions with points from `low` to below `high`; the last bar holds `high`, too."""

    low: float
    high: float
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Histogram:
    """The distribution of the points of a class."""

    bars: tuple[Bar, ...]
    median: float
    median_x: float
    possible: float
    submissions: int
    height: int = BARS + AXIS


def histogram(totals: Sequence[float], possible: float) -> Histogram | None:
    """The distribution of totals; None if there are none.

    Args:
        possible: the most points that there are.
    """
    if not totals:
        return None
    top = max(possible, *totals, 1.0)
    step = next((step for step in STEPS if top / step <= MOST_BARS), top / MOST_BARS)
    number = max(1, ceil(top / step - 1e-9))
    places = [min(int(max(points, 0.0) / step + 1e-9), number - 1) for points in totals]
    counts = [places.count(place) for place in range(number)]
    scale = Scale(0.0, number * step)
    bars = []
    for place, count in enumerate(counts):
        height = round((BARS - 16) * count / max(counts), 1)  # 16: the count above the bar
        left, right = scale.x(place * step), scale.x((place + 1) * step)
        bars.append(
            Bar(place * step, (place + 1) * step, count, left + 1, BARS - height, round(right - left - 2, 1), height)
        )
    middle = median(totals)
    return Histogram(tuple(bars), middle, scale.x(middle), top, len(totals))


@dataclass(frozen=True)
class Dot:
    """One student's tail."""

    student: str
    verdict: str
    tail: float
    x: float
    y: float


@dataclass(frozen=True)
class Level:
    """A value that the tails are held against."""

    value: float
    x: float


@dataclass(frozen=True)
class Strip:
    """The tails of one configuration."""

    dots: tuple[Dot, ...]
    threshold: Level | None
    floor: Level | None
    expected: Level | None
    median: float
    ticks: tuple[Level, ...]
    height: int = STRIP + AXIS


def strip(
    tails: Sequence[tuple[str, str, float]], threshold: float | None, floor: float | None, expected: float | None
) -> Strip | None:
    """The tails of one configuration, equal ones above each other; None if there are none.

    Args:
        tails: student, verdict and tail.
        threshold, floor, expected: of the configuration; None for what does not apply.
    """
    if not tails:
        return None
    values = [tail for _, _, tail in tails]
    shown = values + [level for level in (threshold, floor, expected) if level is not None]
    scale = Scale(min(shown) - 0.02, max(shown) + 0.02)
    columns: dict[int, list[tuple[str, str, float]]] = {}
    for student, verdict, tail in sorted(tails, key=lambda entry: entry[2]):
        columns.setdefault(int(scale.x(tail) // DOT), []).append((student, verdict, tail))
    gap = min(DOT, (STRIP - 2 * DOT) / max(len(column) for column in columns.values()))
    dots = [
        Dot(student, verdict, tail, scale.x(tail), round(STRIP - DOT - place * gap, 1))
        for column in columns.values()
        for place, (student, verdict, tail) in enumerate(column)
    ]

    def level(value: float | None) -> Level | None:
        return None if value is None else Level(value, scale.x(value))

    ends = tuple(Level(value, scale.x(value)) for value in (min(shown), max(shown)))
    return Strip(tuple(dots), level(threshold), level(floor), level(expected), median(values), ends)
