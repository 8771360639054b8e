"""report.html: one self-contained file in which an instructor reads what happened, and what to do."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from grading.protocol.handed_out import is_handout
from grading.reporting.attention import needs, next_steps
from grading.reporting.headline import headline
from grading.reporting.layers import ShownLayer, shown_layers
from grading.reporting.page import page
from grading.reporting.reproduce import environment
from grading.reporting.results import Results
from grading.reporting.sections import sections

if TYPE_CHECKING:
    from grading.reporting.pictures.of_results import Figures


def report_html(results: Results, figures: "Figures | None" = None, folder: Path | None = None) -> str:
    """The file's text.

    Args:
        figures: of these results; without them the page has no pictures.
        folder: of the results; without it the page has no layers.
    """
    needed = needs(results)
    earned, possible = results.score
    return page(
        "templates/report.html",
        results=results,
        plan=results.plan,
        earned=earned,
        possible=possible,
        headline=headline(results),
        needs=needed,
        steps=next_steps(results, needed),
        sections=sections(results, figures, _layers(results, folder)),
        conclusions=None if figures is None else figures.conclusions,
        failures=() if figures is None else figures.failures,
        command=results.command,
        environment=environment(results),
        handout=is_handout(),
    )


def _layers(results: Results, folder: Path | None) -> Mapping[str, Iterable[ShownLayer]]:
    """By configuration, the layers of its network."""
    return {} if folder is None else {id: shown_layers(folder, id) for id in results.outcomes}
