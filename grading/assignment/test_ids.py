"""The list of all tests of the student API, each with its question: `tests/ids.txt`.

A grading knows from it which tests there are before any of them runs, and a student's points are divided by all tests
of a question, whether they ran or not. `python -m grading list_tests` writes the list anew after tests were added,
renamed or removed.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from grading import ROOT

IDS = ROOT / "tests" / "ids.txt"
UPDATE = "python -m grading list_tests"


def marker_of(question: str) -> str:
    """The marker of a question's tests: `q1_1` of Q1-1."""
    return question.lower().replace("-", "_")


@cache
def listed_tests(path: Path = IDS) -> Mapping[str, str]:
    """The question of each test, by the test's id, in the order in which pytest runs them.

    Where the file is missing there is no test: every grading then says so.
    """
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {id: question for question, _, id in (line.partition(" ") for line in lines)}
