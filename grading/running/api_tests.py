"""The tests of the student API, run on a submission in the sandbox, as part of a grading.

pytest runs in processes of the grader's, which no code of the submission enters. Which tests there are is known
beforehand. A question's tests earn points only if exactly the known ones ran, each with exactly one outcome.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import Any

from grading import ROOT
from grading.assignment.api_test_record import Checked, Suite
from grading.assignment.files import write_whole
from grading.assignment.test_ids import UPDATE, listed_tests
from grading.data.arrays import fingerprint
from grading.protocol.finding import Finding
from grading.protocol.sources import imported_modules, sources
from grading.protocol.submission import MODULES, Submission
from grading.protocol.text import duration
from grading.running.pytest_server import PytestServer, TestRun

# What the tests of each file take, measured on a busy machine. A wrong number makes parts of unequal length, and
# nothing worse.
SECONDS = {
    "tests/test_augmentation.py": 4.0,
    "tests/test_classes.py": 1.3,
    "tests/test_fcn.py": 8.6,
    "tests/test_freezing.py": 1.5,
    "tests/test_heads.py": 2.9,
    "tests/test_metrics.py": 3.7,
    "tests/test_transfer.py": 2.6,
}
SECONDS_OF_OTHERS = 3.0


KNOWN = ("PASS", "FAIL", "TIMEOUT", "OUT_OF_MEMORY", "CRASH")  # outcomes that say something about the submission

Pytest = Callable[[TestRun], int | None]
"""Runs tests: see `grading.running.pytest_server.PytestServer.run`."""


def run_suite(submission: Submission, records: Path, *, unsafe: bool, seconds: float = inf) -> Suite:
    """Run every test of the student API; the arguments are those of `ApiTests`."""
    tests = ApiTests(submission, records, unsafe=unsafe, seconds=seconds)
    with PytestServer(unsafe=unsafe) as pytest, ThreadPoolExecutor() as pool:
        try:
            parts = tests.start()
            for part, outcomes in zip(parts, pool.map(lambda part: part.outcomes(pytest.run), parts), strict=True):
                tests.end(part, outcomes)
        finally:
            tests.close()
    return tests.suite


class ApiTests:
    """The tests of the student API for one submission, in parts that may run at the same time.

    Args:
        records: a file for pytest's outcomes, kept as evidence; what pytest prints goes beside it, into a `.log`. Until
            all parts have ended, a folder beside it holds the files of each part.
        listed: the question of each test that is run; all that there are by default.
        most_parts: as many as this machine has cores by default.
        unsafe: run the submission unconfined where no sandbox works.
        seconds: of each part.

    If `records` holds the outcomes of these tests for this submission, nothing is run again.

    Attributes:
        suite: the outcomes. The tests of a part that has not ended are GRADER_ERROR, and awaited.
    """

    def __init__(
        self,
        submission: Submission,
        records: Path,
        *,
        listed: Mapping[str, str] | None = None,
        most_parts: int | None = None,
        unsafe: bool,
        seconds: float = inf,
    ) -> None:
        self.submission = submission
        self._records = records.resolve()
        self._unsafe = unsafe
        self._seconds = None if seconds == inf else seconds
        self._listed = listed_tests() if listed is None else listed
        self._most_parts = most_parts or os.cpu_count() or 1
        self._parts: list[Part] = []
        self._conditions = sha256(
            repr([submission.fingerprint(), tests_code(), version("torch"), *self._listed.items()]).encode()
        ).hexdigest()
        self.suite = self._known_suite() or Suite(
            composed((), self._listed, finished=False), awaited=frozenset(self._listed)
        )

    def start(self) -> "list[Part]":
        """The parts; none if all outcomes are known. Each must be run, and then ended; see `end`."""
        if not self.suite.awaited:
            return []
        # Nothing of a run that was stopped may be taken for this one's.
        shutil.rmtree(self._folder, ignore_errors=True)
        for file in (self._records, self._records.with_suffix(".log")):
            file.unlink(missing_ok=True)
        self._folder.mkdir()
        for number, listed in enumerate(split(self._listed, self._most_parts)):
            files = tuple(dict.fromkeys(map(_file, listed)))
            records, log = self._folder / f"{number}.jsonl", self._folder / f"{number}.log"
            tests = TestRun(self.submission, files, records, log, self._seconds, self._unsafe)
            self._parts.append(Part(listed, tests))
        return list(self._parts)

    def end(self, part: "Part", outcomes: Iterable[Checked]) -> None:
        """Take the outcomes of a part into the suite."""
        known = {test.id: test for test in self.suite.tests} | {test.id: test for test in outcomes}
        self.suite = replace(self.suite, tests=tuple(known.values()), awaited=self.suite.awaited - set(part.listed))
        if not self.suite.awaited:
            self.close()

    def close(self) -> None:
        """Join the files of all parts, none of which runs any more. Does nothing the second time."""
        try:
            if self._parts:
                self._join_files()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._parts = []

    def _known_suite(self) -> Suite | None:
        """The suite in `records`; None if it is of something else, damaged, or the grader could not tell an outcome."""
        first, *lines = _text(self._records).split("\n")
        if first != self._first_line:
            return None
        try:
            tests = composed(lines, self._listed)
        except (TypeError, ValueError, KeyError, AttributeError):
            return None
        return Suite(tests) if all(test.outcome in KNOWN for test in tests) else None

    @property
    def _first_line(self) -> str:
        """The first line of `records` if all tests have ended: what their outcomes depend on."""
        return json.dumps({"conditions": self._conditions})

    @property
    def _folder(self) -> Path:
        return self._records.with_suffix(".parts")

    def _join_files(self) -> None:
        """Write the records of all parts in the order of the list, and what pytest printed part by part."""
        places = {test.id: place for place, test in enumerate(self.suite.tests)}
        entries = [entry for part in self._parts for entry in _entries(part.lines())]
        entries.sort(key=lambda entry: ("outcome" in entry, places.get(entry["test"], len(places))))
        lines = [*([] if self.suite.awaited else [self._first_line]), *map(json.dumps, entries)]
        write_whole(self._records, "".join(f"{line}\n" for line in lines))
        printed = [f"== {' '.join(part.tests.files)}\n{part.printed()}\n" for part in self._parts]
        self._records.with_suffix(".log").write_text("".join(printed), encoding="utf-8")


def split(listed: Mapping[str, str], most: int) -> list[dict[str, str]]:
    """The listed tests in parts that take about equally long. The tests of a file stay together.

    Few parts are better than many: each starts a sandbox, in which PyTorch is imported.

    Args:
        listed: the question of each test.
        most: of the parts.
    """
    files = set(map(_file, listed))
    parts: list[list[str]] = [[] for _ in range(min(most, len(files)))]
    for file in sorted(files, key=lambda file: (-_seconds(file), file)):
        min(parts, key=lambda part: sum(map(_seconds, part))).append(file)
    return [{id: question for id, question in listed.items() if _file(id) in part} for part in parts]


def files_with(listed: Mapping[str, str], is_needed: Callable[[str, str], bool]) -> dict[str, str]:
    """All listed tests of the files in which one is needed.

    Args:
        is_needed: told by a test's id and question.
    """
    files = {_file(id) for id, question in listed.items() if is_needed(id, question)}
    return {id: question for id, question in listed.items() if _file(id) in files}


def _file(id: str) -> str:
    return id.partition("::")[0]


def _seconds(file: str) -> float:
    return SECONDS.get(file, SECONDS_OF_OTHERS)


@dataclass(frozen=True)
class Part:
    """Some of the tests, which one process of pytest runs.

    Attributes:
        listed: the question of each of its tests.
    """

    listed: Mapping[str, str]
    tests: TestRun

    def outcomes(self, pytest: Pytest) -> tuple[Checked, ...]:
        """Run the tests, and return what `composed` makes of what they report. This may be called in another thread."""
        status = pytest(self.tests)
        if status is None:
            how = f"was stopped: the tests took more than {duration(self.tests.seconds or inf)}"
        else:
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        ended = f"pytest {how}: {next((line for line in reversed(self.printed().splitlines()) if line.strip()), '')}"
        return composed(self.lines(), self.listed, ended, finished=status in FINISHED)

    def lines(self) -> list[str]:
        """The lines of its records."""
        return _text(self.tests.records).split("\n")

    def printed(self) -> str:
        """What pytest has printed."""
        return _text(self.tests.log)


@cache
def tests_code() -> str:
    """Changes with the tests, and with the code that runs them."""
    tests = {path.name: path for path in (ROOT / "tests").glob("*.py")}
    modules = {module for path in tests.values() for module in imported_modules(path)}
    probes = (f"grading.worker.probes.{module}" for module in MODULES)
    return fingerprint(tests | sources("grading.sandbox.worker", "grading.worker.serve", *probes, *modules))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


FINISHED = (0, 1)  # of pytest's exit statuses: every test ran, and passed or failed


def composed(
    lines: Iterable[str], listed: Mapping[str, str], ended: str = "", *, finished: bool = True
) -> tuple[Checked, ...]:
    """Outcomes from the lines of a records file: those of the collected tests first, then one line for each outcome.

    Every listed test has an outcome. It is GRADER_ERROR if pytest did not run to its end, if the test did not report
    exactly one, or if its question had other tests than the listed ones.

    Args:
        listed: the question of each test that there is.
        ended: how pytest ended, for the reason.
        finished: whether it ran to its end.
    """
    entries = list(_entries(lines))
    collected = {entry["test"]: str(entry["question"]) for entry in entries if "question" in entry}
    outcomes = [entry for entry in entries if "outcome" in entry]
    counts = Counter(entry["test"] for entry in outcomes)
    found = {entry["test"]: entry for entry in outcomes}
    other = {question for _, question in listed.items() ^ collected.items()}
    checked = []
    for id, question in {**collected, **listed}.items():
        if not finished:
            error = "the tests did not run to their end"
        elif question in other:
            known = [test for test, of in listed.items() if of == question]
            ran = sum(of == question for of in collected.values())
            error = f"{ran} tests of {question} in place of the {len(known)} in tests/ids.txt ({UPDATE} writes it)"
        elif set(counts) - set(collected):
            error = f"tests ran that were not collected, such as {min(set(counts) - set(collected))}"
        elif counts[id] != 1:
            error = f"{counts[id]} outcomes in place of one"
        else:
            checked.append(Checked(id, question, found[id]["outcome"], Finding(**found[id].get("finding", {}))))
            continue
        checked.append(Checked(id, question, "GRADER_ERROR", Finding(f"{error}; {ended}" if ended else error)))
    return tuple(checked)


def _entries(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            return  # the last line, cut off when pytest was killed; what is missing after any other counts as missing
        if isinstance(entry, dict) and "conditions" in entry:
            continue
        if not isinstance(entry, dict) or not {"question", "outcome"} & set(entry) or "test" not in entry:
            return
        yield entry
