"""A student's table of points: a question's points are divided by all of its tests."""

import re
from collections import Counter
from types import SimpleNamespace

import pytest

from grading.assignment.assignment import read_assignment
from grading.assignment.test_ids import listed_tests
from tests.points import Points, of_the_whole

ASSIGNMENT = read_assignment()
LISTED = listed_tests()
COUNTS = Counter(LISTED.values())


def table(outcomes: dict[str, str]) -> list[str]:
    """The lines that are printed after a run in which the tests had these outcomes."""
    points = Points("hw4", ASSIGNMENT)
    for test, outcome in outcomes.items():
        report = SimpleNamespace(
            nodeid=test,
            when="call",
            outcome=outcome,
            passed=outcome == "passed",
            user_properties=[("question", LISTED.get(test, "Q1-1"))],
        )
        points.pytest_runtest_logreport(report)  # type: ignore[arg-type]
    return list(points.lines())


def outcomes_of(pattern: str) -> dict[str, str]:
    """A passed outcome of each test whose id matches."""
    return {test: "passed" for test in LISTED if re.search(pattern, test)}


def test_a_file_is_a_part_of_its_question() -> None:
    ran = outcomes_of("test_freezing")
    line, last = table(ran)
    passed, total = len(ran), COUNTS["Q1-1"]
    assert line.split() == (
        f"Q1-1 {passed} of {total} tests {2.5 * passed / total:.2f} of 2.50 points, {total - passed} not run".split()
    )
    assert "total" not in line
    assert last.startswith("A part of the tests ran")


@pytest.mark.parametrize("outcome", ["passed", "failed"])
def test_one_test_is_counted_among_all(outcome: str) -> None:
    (test, *_) = outcomes_of("test_fcn")
    line, _ = table({test: outcome})
    total = COUNTS["Q2-1"]
    assert f"{int(outcome == 'passed')} of {total} tests" in line
    assert f"{total - 1} not run" in line


def test_a_run_that_stops_at_the_first_failure() -> None:
    tests = list(LISTED)
    stopped = dict.fromkeys(tests[:30], "passed") | {tests[30]: "failed"}
    line, last = table(stopped)
    assert f"30 of  {COUNTS['Q1-5']} tests" in line
    assert f"{COUNTS['Q1-5'] - 31} not run" in line
    assert last.startswith("A part of the tests ran")


def test_a_whole_question_has_no_total() -> None:
    line, last = table({test: "passed" for test, question in LISTED.items() if question == "Q1-8"})
    assert line.endswith("10.00 of 10.00 points")
    assert "total" not in last.partition("shows")[0]


def test_a_whole_run_shows_its_share_of_all_points() -> None:
    *_, total, last = table(dict.fromkeys(LISTED, "passed"))
    assert re.fullmatch(r"total +30\.00 of 30\.00 points", total)
    assert last == "30 of 100 points; 35 are earned by run_all, 35 by the discussion (discussion.md)"
    failed = table(dict.fromkeys(LISTED, "failed"))
    assert failed[-1].startswith("0 of 100 points; 35 are earned by run_all")
    tested = sum(question.test_points for question in ASSIGNMENT.questions)
    assert tested + 35 + 35 == sum(question.points for question in ASSIGNMENT.questions)


def test_a_test_counts_once_and_only_if_all_of_it_passed() -> None:
    (test, *_) = outcomes_of("test_fcn")
    points = Points("hw4", ASSIGNMENT)
    for when, outcome in (("setup", "passed"), ("call", "passed"), ("teardown", "failed")):
        report = SimpleNamespace(
            nodeid=test, when=when, outcome=outcome, passed=outcome == "passed", user_properties=[("question", "Q2-1")]
        )
        points.pytest_runtest_logreport(report)  # type: ignore[arg-type]
    assert f"0 of {COUNTS['Q2-1']} tests" in next(points.lines())


def test_the_last_line_is_computed() -> None:
    assert of_the_whole(12.3456, ASSIGNMENT).startswith("12.35 of 100 points")
