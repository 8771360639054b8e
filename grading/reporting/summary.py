"""What a person reads in the terminal at the end of a run: a table, then lines."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from grading.assignment.assignment import Question
from grading.verdicts.outcome import Outcome

if TYPE_CHECKING:
    from grading.reporting.results import Results

STYLES = {"PASS": "green", "FAIL": "red", "REVIEW": "yellow", "INCOMPLETE": "yellow"}


def verdict_table(results: "Results") -> Table:
    """A row for each configuration: its verdict and its metric."""
    table = Table("", "verdict", "metric", "initial", "best", "tail", "expected", "published")
    for column in table.columns:
        column.overflow = "fold"
    for id, outcome in results.outcomes.items():
        table.add_row(id, *_cells(outcome))
    return table


def summary_lines(results: "Results", out: Path) -> Iterator[str]:
    """Reasons, conclusions, tests, points, and where the files are.

    Args:
        out: the folder of the results.
    """
    yield from _reasons(results)
    yield from _conclusions(results)
    if results.suite.tests:
        for question in results.questions:
            yield _tests_of(question, results)
    for note in results.plan.submission.notes:
        yield f"note: {note}"
    for note in results.grader_notes:
        yield f"the grader's own trouble: {note}"
    yield from _points(results, f"{out}/report.html shows the learning curves")


def _cells(outcome: Outcome) -> list[str]:
    metric = outcome.configuration.metric
    return [
        f"[{STYLES[outcome.verdict]}]{outcome.verdict}[/]",
        metric,
        _mean([run.initial(metric) for run in outcome.finished]),
        _mean([run.best(metric) for run in outcome.finished]),
        _mean([run.tail(metric) for run in outcome.finished]),
        "-" if outcome.expectation.misfit else f"{outcome.expectation.tail:.4f}",
        f"{outcome.configuration.published[metric]['best']:.4f}",
    ]


def _reasons(results: "Results") -> Iterator[str]:
    """Why a configuration does not pass, and why a control makes one doubt the submission."""
    for id, outcome in results.outcomes.items():
        if outcome.verdict != "PASS":
            yield f"{outcome.verdict} {id}: {outcome.reason}"
    for control in results.controls:
        if control.why is not None:
            yield f"{control.configuration.id}: {control.why}"


def _conclusions(results: "Results") -> Iterator[str]:
    for relation in results.relations:
        difference = "" if relation.difference is None else f" ({relation.difference:+.4f})"
        gate = "" if relation.holds else f"; FAIL: {relation.required:+.4f} was asked for"
        yield f"{relation.relation.id}: {relation.verdict}{difference}{gate}"


def _tests_of(question: Question, results: "Results") -> str:
    if question.id in results.undecided_tests:
        why = results.undecided_tests[question.id]
        return f"tests of {question.id}: {why}; {question.test_points:g} points are not decided"
    tests = results.suite.of(question.id)
    passed = sum(test.outcome == "PASS" for test in tests)
    earned, possible = results.test_points(question)
    return f"tests of {question.id}: {passed} of {len(tests)} ({earned:g} of {possible:g} points)"


def _points(results: "Results", where: str) -> Iterator[str]:
    """Notes about the numbers, then the points.

    Args:
        where: a sentence that says where the learning curves are.
    """
    if results.plan.withheld:
        yield f"{results.plan.withheld}: no verdicts, and no points; {where}"
        return
    for id, outcome in results.outcomes.items():
        power = outcome.expectation.power
        if power is not None and power.is_weak:
            yield f"{id}: {power}"
    for note in results.calibration_notes:
        yield f"note: {note}"
    earned, possible = results.score
    yield f"{earned:g} of {possible:g} points; {where}"


def _mean(values: list[float]) -> str:
    return f"{sum(values) / len(values):.4f}" if values else "-"
