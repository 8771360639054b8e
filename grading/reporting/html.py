"""report.html: one self-contained file that a person reads."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grading.protocol.text import printable
from grading.verdicts.outcome import Outcome

if TYPE_CHECKING:
    from grading.reporting.results import Results

# Of the drawing of the learning curves, in SVG units.
WIDTH, HEIGHT = 320, 150
LEFT, BOTTOM, MARGIN = 34, 18, 6


def report_html(results: "Results") -> str:
    """The file's text: verdicts, tests, conclusions, and learning curves beside the report's figures."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    rows: list[dict[str, Any]] = [
        {
            "outcome": outcome,
            "points": results.points(outcome),
            "curves": _curves(outcome),
            "published": outcome.configuration.published[outcome.configuration.metric],
            "others": _other_metrics(outcome),
        }
        for outcome in results.outcomes.values()
    ]
    return environment.get_template("report.html").render(
        results=results,
        rows=rows,
        earned=results.score[0],
        possible=results.score[1],
        tests=[(q, results.suite.of(q.id), *results.test_points(q)) for q in results.questions],
    )


def _other_metrics(outcome: Outcome) -> list[tuple[str, str, str]]:
    """The metrics on which no verdict rests: name, mean tail over seeds, published best."""
    if not outcome.finished:
        return []
    published = outcome.configuration.published
    rows = []
    for name in outcome.finished[0].history[0]:
        if name not in ("epoch", "loss", outcome.configuration.metric):
            tail = sum(run.tail(name) for run in outcome.finished) / len(outcome.finished)
            rows.append((name, f"{tail:.4f}", f"{published[name]['best']:.4f}" if name in published else "-"))
    return rows


def _curves(outcome: Outcome) -> dict[str, object]:
    """The learning curves as points of an SVG drawing, with levels for the threshold and the published best.

    There is a line for each seed, and one for the reference if the calibration applies.
    """
    metric = outcome.configuration.metric
    histories = [run.values(metric) for run in outcome.runs if run.history]
    published = outcome.configuration.published[metric]["best"]
    levels = [published] if outcome.threshold is None else [outcome.threshold, published]
    measured = outcome.expectation.measured if outcome.threshold is not None else None
    reference = [] if measured is None else list(measured.curve)
    values = [value for history in (*histories, reference) for value in history] + levels
    low, high = min(values) - 0.02, max(values) + 0.02
    longest = max((len(history) for history in (*histories, reference)), default=1)

    def x(epoch: int) -> float:
        return LEFT + (WIDTH - LEFT - MARGIN) * (epoch - 1) / max(longest - 1, 1)

    def y(value: float) -> float:
        return MARGIN + (HEIGHT - BOTTOM - MARGIN) * (high - value) / (high - low)

    def line(history: list[float]) -> str:
        return " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in enumerate(history, start=1))

    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "base": HEIGHT - BOTTOM,
        "lines": [line(history) for history in histories],
        "reference": line(reference),
        "threshold": None if outcome.threshold is None else y(outcome.threshold),
        "published": y(published),
        "ticks": [(y(low + (high - low) * part), f"{low + (high - low) * part:.2f}") for part in (0.1, 0.5, 0.9)],
        "epochs": longest,
    }
