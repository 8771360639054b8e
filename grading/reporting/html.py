"""report.html: one self-contained file that a person reads."""

from typing import TYPE_CHECKING, Any

from grading.reporting.curves import curves
from grading.reporting.page import page
from grading.verdicts.outcome import Outcome

if TYPE_CHECKING:
    from grading.reporting.results import Results


def report_html(results: "Results") -> str:
    """The file's text: verdicts, tests, conclusions, and learning curves beside the report's figures."""
    rows: list[dict[str, Any]] = [
        {
            "outcome": outcome,
            "points": results.points(outcome),
            "curves": curves(outcome),
            "mark": results.marks.get(outcome.configuration.id),
            "published": outcome.configuration.published[outcome.configuration.metric],
            "others": _other_metrics(outcome),
        }
        for outcome in results.outcomes.values()
    ]
    return page(
        "report.html",
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
