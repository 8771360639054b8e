"""The tests of the student API, run on a submission in the sandbox, as part of a grading.

pytest runs in a process of the grader's, which no code of the submission enters. Its outcomes count only where each
test that was collected has exactly one.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grading.submissions import Submission

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Checked:
    """One test.

    Attributes:
        outcome: `PASS`, `FAIL`, `TIMEOUT`, `OUT_OF_MEMORY`, `CRASH`, `GRADER_ERROR`, or `INCOMPLETE` where there is not
            exactly one outcome.
        message: what a student reads; empty where it passed.
    """

    id: str
    question: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class Suite:
    """All tests of a run."""

    tests: tuple[Checked, ...]

    def of(self, question: str) -> tuple[Checked, ...]:
        """The tests of one question."""
        return tuple(test for test in self.tests if test.question == question)

    def share(self, question: str) -> float:
        """The share of a question's tests that passed; 0 where one has no outcome that counts."""
        tests = self.of(question)
        if not tests or self.undecided(question):
            return 0.0
        return sum(test.outcome == "PASS" for test in tests) / len(tests)

    def undecided(self, question: str) -> tuple[Checked, ...]:
        """The tests of a question that say nothing about the submission."""
        return tuple(test for test in self.of(question) if test.outcome in ("INCOMPLETE", "GRADER_ERROR"))

    def first_failure(self, patterns: Iterable[str]) -> Checked | None:
        """The first test that did not pass among those whose id holds one of the regular expressions."""
        wanted = re.compile("|".join(patterns))
        return next((test for test in self.tests if test.outcome != "PASS" and wanted.search(test.id)), None)


NOT_RUN = Suite(())


def run_suite(submission: Submission, records: Path, *, unsafe: bool) -> Suite:
    """Run every test of the student API.

    Args:
        records: a file for pytest's outcomes, kept as evidence.
        unsafe: run the submission unconfined where no sandbox works.
    """
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--sandbox",
        f"--impl={submission.argument}",
        f"--records={records}",
    ]
    # Each test once, in one process: the time of a benchmark says nothing about a sandboxed call.
    command += ["--benchmark-disable", *(["--unsafe"] if unsafe else [])]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Suite(composed(records.read_text(encoding="utf-8").splitlines() if records.is_file() else []))


def composed(lines: Iterable[str]) -> tuple[Checked, ...]:
    """Outcomes from the lines of a records file: those of the collected tests first, then one line for each outcome.

    A test with no outcome or with several is INCOMPLETE; outcomes of tests that were not collected make all of them
    so.
    """
    entries = [json.loads(line) for line in lines]
    collected = {entry["test"]: str(entry["question"]) for entry in entries if "question" in entry}
    outcomes = [entry for entry in entries if "outcome" in entry]
    counts = Counter(entry["test"] for entry in outcomes)
    if set(counts) - set(collected):
        return tuple(Checked(id, question, "INCOMPLETE", "unknown tests ran") for id, question in collected.items())
    found = {entry["test"]: entry for entry in outcomes}
    return tuple(
        Checked(id, question, found[id]["outcome"], found[id]["message"])
        if counts[id] == 1
        else Checked(id, question, "INCOMPLETE", f"{counts[id]} outcomes")
        for id, question in collected.items()
    )
