"""What a person reads in the terminal at the end of a run: a table, then lines."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from grading.assignment.assignment import Question
from grading.protocol.text import number
from grading.reporting.tables import Column

if TYPE_CHECKING:
    from grading.reporting.results import Results

STYLES = {"PASS": "green", "FAIL": "red", "REVIEW": "yellow", "INCOMPLETE": "yellow"}


def verdict_columns(results: "Results") -> list[Column]:
    """A table with a row for each configuration: its verdict and its metric."""
    outcomes = list(results.outcomes.values())

    def means(kind: str) -> list[str]:
        return [f"{outcome.mean(kind):.4f}" if outcome.finished else "-" for outcome in outcomes]

    expected = ["-" if each.expectation.misfit else f"{each.expectation.tail:.4f}" for each in outcomes]
    published = [f"{each.configuration.published[each.configuration.metric]['best']:.4f}" for each in outcomes]
    verdicts = [outcome.verdict for outcome in outcomes]
    return [
        Column("configuration", list(results.outcomes)),
        Column("verdict", verdicts, styles=[STYLES[verdict] for verdict in verdicts]),
        Column("metric", [outcome.configuration.metric for outcome in outcomes]),
        Column("initial", means("initial"), is_number=True, dispensable=4),
        Column("best", means("best"), is_number=True, dispensable=1),
        Column("tail", means("tail"), is_number=True),
        Column("expected", expected, is_number=True, dispensable=2),
        Column("published", published, is_number=True, dispensable=3),
    ]


def result_lines(results: "Results") -> Iterator[str]:
    """What does not pass, in one line each, and the points."""
    for id, outcome in results.outcomes.items():
        if outcome.verdict != "PASS":
            reason = outcome.distrusted or outcome.reason
            yield f"{outcome.verdict} {id}: " + (reason.splitlines() or [""])[0]
    for relation in results.relations:
        if not relation.holds:
            yield f"FAIL {relation.relation.id}: {relation.verdict}"
    yield from _besides(results)
    yield _points(results)


def summary_lines(results: "Results", *, all_reasons: bool = False) -> Iterator[str]:
    """Reasons, conclusions, tests and points.

    Args:
        all_reasons: those of a PASS, too.
    """
    yield from reasons_of(results, all_reasons=all_reasons)
    if not results.plan.withheld:
        yield from _conclusions(results)
    if results.suite.tests:
        for question in results.questions:
            yield _tests_of(question, results)
    yield from _besides(results)
    if not results.plan.withheld:
        yield from _notes(results)
    yield _points(results)


def _besides(results: "Results") -> Iterator[str]:
    """What a reader should know besides the results, however short the summary is."""
    for note in results.plan.submission.notes:
        yield f"note: {note}"
    for note in results.grader_notes:
        yield f"the grader's own trouble: {note}"


def reasons_of(results: "Results", *, all_reasons: bool = False) -> Iterator[str]:
    """Why a configuration does not pass, and why a control makes one doubt the submission.

    A line that stands in several reasons is shown once.

    Args:
        all_reasons: show every line, and why others pass, too.
    """
    first: dict[str, str] = {}
    for id, outcome in results.outcomes.items():
        if outcome.verdict != "PASS" or all_reasons:
            lines = outcome.reason.splitlines() or [""]
            if not all_reasons:
                lines = list(
                    dict.fromkeys(line if first.setdefault(line, id) == id else f"as {first[line]}" for line in lines)
                )
            yield f"{outcome.verdict} {id}: " + "\n".join(lines)
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
        return f"tests of {question.id}: {why}; {number(question.test_points)} points are not decided"
    tests = results.suite.of(question.id)
    passed = sum(test.outcome == "PASS" for test in tests)
    earned, possible = results.test_points(question)
    return f"tests of {question.id}: {passed} of {len(tests)} ({number(earned)} of {number(possible)} points)"


def _notes(results: "Results") -> Iterator[str]:
    """What a reader of the numbers should know."""
    for id, outcome in results.outcomes.items():
        power = outcome.expectation.power
        if power is not None and power.is_weak:
            yield f"{id}: {power}"
    for note in results.calibration_notes:
        yield f"note: {note}"


def _points(results: "Results") -> str:
    if results.plan.withheld:
        return f"{results.plan.withheld}: no verdicts, and no points"
    earned, possible = results.score
    return f"{number(earned)} of {number(possible)} points"
