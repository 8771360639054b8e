"""The table of points at the end of a run: a question's points are divided by all of its tests, run or not."""

import shutil
import textwrap
from collections import defaultdict
from collections.abc import Iterator

import pytest

from grading.assignment.assignment import Assignment
from grading.assignment.test_ids import listed_tests
from grading.protocol.text import number


class Points:
    """A pytest plugin that notes outcomes by question, those of parallel processes too, and writes the table."""

    def __init__(self, name: str, assignment: Assignment) -> None:
        self._name = name
        self._assignment = assignment
        self._passed: dict[str, dict[str, bool]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        question = dict(report.user_properties).get("question")
        if question and (report.when == "call" or report.outcome != "passed"):
            tests = self._passed[str(question)]
            tests[report.nodeid] = report.passed and tests.get(report.nodeid, True)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._passed:
            terminalreporter.section(f"points for the tests of {self._name}")
            columns = shutil.get_terminal_size().columns
            for line in self.lines():
                for part in textwrap.wrap(line, columns, subsequent_indent="  "):
                    terminalreporter.write_line(part)

    def lines(self) -> Iterator[str]:
        """One line for each question of which a test ran; then the total, if all tests of all questions did."""
        every: dict[str, set[str]] = defaultdict(set)
        for id, asked in listed_tests().items():
            every[asked].add(id)
        total, is_whole = 0.0, True
        questions = [question for question in self._assignment.questions if question.test_points]
        for question in questions:
            ran = self._passed.get(question.id, {})
            tests = every[question.id] | set(ran)
            is_whole = is_whole and len(ran) == len(tests)
            if ran:
                passed = sum(ran.values())
                earned = question.test_points * passed / len(tests)
                total += earned
                left_out = f", {len(tests) - len(ran)} not run" if len(ran) < len(tests) else ""
                yield (
                    f"{question.id}  {passed:3d} of {len(tests):3d} tests  "
                    f"{earned:5.2f} of {question.test_points:5.2f} points{left_out}"
                )
        if is_whole:
            yield f"total {'':18s}{total:5.2f} of {sum(question.test_points for question in questions):5.2f} points"
            yield of_the_whole(total, self._assignment)
        else:
            yield "A part of the tests ran: `pytest` alone runs all and shows the total."


def of_the_whole(earned: float, assignment: Assignment) -> str:
    """What the points of the tests are of, and where the others are earned."""
    every = sum(question.points for question in assignment.questions)
    trained = sum(question.training_points for question in assignment.questions)
    discussed = sum(question.points for question in assignment.questions if question.discussion)
    return (
        f"{number(earned)} of {number(every)} points; {number(trained)} are earned by run_all, "
        f"{number(discussed)} by the discussion (discussion.md)"
    )
