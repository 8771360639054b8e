"""Learning curves as points of an SVG drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

from grading.verdicts.outcome import Outcome

# In SVG units.
WIDTH, HEIGHT = 320, 150
LEFT, BOTTOM, MARGIN = 34, 18, 6


@dataclass(frozen=True)
class Axes:
    """The range of a drawing.

    Attributes:
        low, high: of the metric.
        epochs: of the longest training.
    """

    low: float
    high: float
    epochs: int

    def x(self, epoch: int) -> float:
        return LEFT + (WIDTH - LEFT - MARGIN) * (epoch - 1) / max(self.epochs - 1, 1)

    def y(self, value: float) -> float:
        return MARGIN + (HEIGHT - BOTTOM - MARGIN) * (self.high - value) / (self.high - self.low)

    def line(self, history: Sequence[float]) -> str:
        """The points of a polyline, from the metric after each epoch."""
        return " ".join(f"{self.x(epoch):.1f},{self.y(value):.1f}" for epoch, value in enumerate(history, start=1))

    def tick(self, share: float) -> tuple[float, str]:
        """The height and the label of a tick at this share of the range."""
        value = self.low + (self.high - self.low) * share
        return self.y(value), f"{value:.2f}"


def curves(outcome: Outcome) -> dict[str, object]:
    """What report.html needs to draw the learning curves of a configuration.

    There is a line for each seed, one for the reference if the calibration applies, and levels for the threshold and
    the published best.
    """
    metric = outcome.configuration.metric
    histories = [run.values(metric) for run in outcome.runs if run.history]
    measured = outcome.expectation.measured if outcome.threshold is not None else None
    reference = [] if measured is None else list(measured.curve)
    published = outcome.configuration.published[metric]["best"]
    axes = _axes([*histories, reference], [published] if outcome.threshold is None else [outcome.threshold, published])
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "base": HEIGHT - BOTTOM,
        "lines": [axes.line(history) for history in histories],
        "reference": axes.line(reference),
        "threshold": None if outcome.threshold is None else axes.y(outcome.threshold),
        "published": axes.y(published),
        "ticks": [axes.tick(share) for share in (0.1, 0.5, 0.9)],
        "epochs": axes.epochs,
    }


def _axes(histories: Sequence[Sequence[float]], levels: Sequence[float]) -> Axes:
    """Axes that show all histories and levels."""
    values = [value for history in histories for value in history] + list(levels)
    epochs = max((len(history) for history in histories), default=1)
    return Axes(min(values) - 0.02, max(values) + 0.02, epochs)
