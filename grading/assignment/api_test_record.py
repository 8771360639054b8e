"""What the tests of the student API said of a submission, as a fact."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from grading.protocol.finding import Finding
from grading.protocol.text import cleaned

NOTHING = Finding()
LETTERS = 4000  # of a message; the rest is in tests.jsonl


@dataclass(frozen=True)
class Checked:
    """One test.

    Attributes:
        outcome: `PASS`, `FAIL`, `TIMEOUT`, `OUT_OF_MEMORY`, `CRASH`, or `GRADER_ERROR`, which says nothing about the
            submission.
        finding: what a student reads; empty if it passed.
    """

    id: str
    question: str
    outcome: str
    finding: Finding = NOTHING

    @property
    def message(self) -> str:
        """The finding as text, fit for every output."""
        return cleaned(str(self.finding), LETTERS)


@dataclass(frozen=True)
class Suite:
    """All tests of a run.

    Attributes:
        asked_for: whether the tests were to run; not so in trials, which give no verdict.
        awaited: the ids of the tests that have not ended. In `tests` they are GRADER_ERROR.
    """

    tests: tuple[Checked, ...]
    asked_for: bool = True
    awaited: frozenset[str] = frozenset()

    def of(self, question: str) -> tuple[Checked, ...]:
        """The tests of one question."""
        return tuple(test for test in self.tests if test.question == question)

    def share(self, question: str) -> float:
        """The share of a question's tests that passed; 0 if one has no outcome that counts."""
        tests = self.of(question)
        if not tests or self.undecided(question):
            return 0.0
        return sum(test.outcome == "PASS" for test in tests) / len(tests)

    def undecided(self, question: str) -> tuple[Checked, ...]:
        """The tests of a question that say nothing about the submission."""
        return tuple(test for test in self.of(question) if test.outcome == "GRADER_ERROR")

    def first_failure(self, patterns: Iterable[str]) -> Checked | None:
        """The first test that did not pass among those whose id holds one of the regular expressions.

        If there is no test for one of them, that is the first failure, a GRADER_ERROR: what was not tested is not
        passed.
        """
        if not self.asked_for:
            return None
        wanted = tuple(patterns) or ("",)
        for pattern in wanted:
            if not any(re.search(pattern, test.id) for test in self.tests):
                none = Finding(f"none of the {len(self.tests)} tests that ran is one of these")
                return Checked(pattern, "", "GRADER_ERROR", none)
        required = re.compile("|".join(f"(?:{pattern})" for pattern in wanted))
        return next((test for test in self.tests if test.outcome != "PASS" and required.search(test.id)), None)

    def awaits(self, patterns: Iterable[str]) -> bool:
        """Whether a test has not ended whose id holds one of the regular expressions."""
        required = re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
        return any(required.search(id) for id in self.awaited)


NOT_RUN = Suite((), asked_for=False)
