"""Outcomes of the student API's tests count only where each test has exactly one."""

import json
import re

import pytest

from grading.assignment import read_assignment
from grading.submissions import locate
from grading.suite import Suite, composed, run_suite

COLLECTED = [{"test": "a", "question": "Q1-1"}, {"test": "b", "question": "Q1-1"}, {"test": "c", "question": "Q2-3"}]


def passed(test: str, outcome: str = "PASS") -> dict[str, str]:
    return {"test": test, "outcome": outcome, "message": "" if outcome == "PASS" else "why"}


def suite(*outcomes: dict[str, str]) -> Suite:
    return Suite(composed(json.dumps(entry) for entry in [*COLLECTED, *outcomes]))


@pytest.mark.parametrize(
    ("outcomes", "share"),
    [
        ([passed("a"), passed("b"), passed("c")], 1.0),
        ([passed("a"), passed("b", "FAIL"), passed("c")], 0.5),
        ([passed("a"), passed("b", "CRASH"), passed("c")], 0.5),
        ([passed("a"), passed("b", "GRADER_ERROR"), passed("c")], 0.0),
        ([passed("a"), passed("c")], 0.0),  # one is missing
        ([passed("a"), passed("a"), passed("b"), passed("c")], 0.0),  # one is there twice
        ([passed("a"), passed("b"), passed("c"), passed("d")], 0.0),  # one is unknown
        ([], 0.0),
    ],
)
def test_share_of_a_question(outcomes: list[dict[str, str]], share: float) -> None:
    assert suite(*outcomes).share("Q1-1") == share


def test_nothing_recorded_is_nothing_earned() -> None:
    assert Suite(()).share("Q1-1") == 0.0


def test_first_failure() -> None:
    failed = suite(passed("a"), passed("b", "TIMEOUT"), passed("c", "FAIL"))
    assert failed.first_failure(["b", "c"]).id == "b"
    assert failed.first_failure(["a"]) is None


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return run_suite(locate("solutions"), tmp_path_factory.mktemp("suite") / "tests.jsonl", unsafe=True)


def test_the_reference_passes_in_the_sandbox(reference: Suite) -> None:
    assert [test for test in reference.tests if test.outcome != "PASS"] == []
    assert len(reference.tests) > 200


@pytest.mark.parametrize("configuration", read_assignment().configurations, ids=lambda c: c.id)
def test_every_part_of_a_structure_names_tests(reference: Suite, configuration) -> None:
    assert configuration.structure
    for pattern in configuration.structure:
        assert any(re.search(pattern, test.id) for test in reference.tests), pattern
