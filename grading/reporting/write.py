"""The files of results, each of which is written completely or not at all."""

from pathlib import Path

from grading.assignment.files import write_whole
from grading.reporting.gradescope import results_json
from grading.reporting.history import history_csv
from grading.reporting.html import report_html
from grading.reporting.junit import junit_xml
from grading.reporting.results import Results


def write_results(results: Results, out: Path) -> None:
    """Write all four files into `out`."""
    for name, text in {
        "history.csv": history_csv(results),
        "junit.xml": junit_xml(results),
        "report.html": report_html(results),
        "results.json": results_json(results),
    }.items():
        write_whole(out / name, text)
