"""The files of results, each of which is written completely or not at all."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from grading.assignment.files import write_whole
from grading.reporting.gradescope import results_json
from grading.reporting.history import history_csv
from grading.reporting.html import report_html
from grading.reporting.junit import junit_xml
from grading.reporting.results import Results
from grading.reporting.student_html import student_html
from grading.reporting.student_report import student_report

if TYPE_CHECKING:
    from grading.reporting.pictures.of_results import Figures


def write_results(results: Results, out: Path) -> None:
    """Write all five files into `out`: what programs read first, as pictures take seconds."""
    write_whole(out / "history.csv", history_csv(results))
    write_whole(out / "junit.xml", junit_xml(results))
    write_whole(out / "results.json", results_json(results))
    figures: Figures | None = None
    try:
        figures = _figures(results, out)
    except Exception as error:  # without pictures, the results are still the results
        trouble = f"no pictures: {type(error).__name__}: {error}"
        results = replace(results, grader_notes=(*results.grader_notes, trouble))
    write_whole(out / "student.html", student_html(student_report(results, figures)))
    write_whole(out / "report.html", report_html(results, figures, out))


def _figures(results: Results, out: Path) -> "Figures":
    """The pictures of the results."""
    from grading.reporting.pictures.of_results import figures_of  # here, as matplotlib takes half a second to import

    return figures_of(results, out)
