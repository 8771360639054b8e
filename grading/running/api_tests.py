"""The tests of the student API, run on a submission in the sandbox, as part of a grading.

pytest runs in processes of the grader's, which no code of the submission enters. Which tests there are is known
beforehand. A question's tests earn points only if exactly the known ones ran, each with exactly one outcome.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from grading import ROOT
from grading.assignment.api_test_record import Checked, Suite
from grading.assignment.test_ids import UPDATE, listed_tests
from grading.protocol.finding import Finding
from grading.protocol.submission import Submission
from grading.protocol.text import duration
from grading.running.clean_pytest import command, environment
from grading.sandbox.locked_folder import remove_stale

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


def run_suite(submission: Submission, records: Path, *, unsafe: bool, seconds: float = inf) -> Suite:
    """Run every test of the student API; the arguments are those of `ApiTests`."""
    tests = ApiTests(submission, records, unsafe=unsafe, seconds=seconds)
    try:
        for part in tests.start():
            tests.end(part, part.outcomes())
    finally:
        tests.close()
    return tests.suite


class ApiTests:
    """Every test of the student API, in parts that run at the same time: one for each core.

    Args:
        records: a file for pytest's outcomes, kept as evidence; what pytest prints goes beside it, into a `.log`. Until
            all parts have ended, a folder beside it holds the files of each part.
        unsafe: run the submission unconfined where no sandbox works.
        seconds: of all tests together.

    Attributes:
        suite: the outcomes. The tests of a part that has not ended are GRADER_ERROR, and awaited.
    """

    def __init__(self, submission: Submission, records: Path, *, unsafe: bool, seconds: float = inf) -> None:
        self._submission = submission
        self._records = records.resolve()
        self._options = ["--unsafe"] if unsafe else []
        self._seconds = seconds
        self._parts: list[Part] = []
        self.suite = Suite(composed((), listed_tests(), finished=False), awaited=frozenset(listed_tests()))

    def start(self) -> "list[Part]":
        """Start all parts. Each must be waited for, and then ended; see `end`."""
        # Nothing of a run that was stopped may be taken for this one's.
        shutil.rmtree(self._folder, ignore_errors=True)
        for file in (self._records, self._records.with_suffix(".log")):
            file.unlink(missing_ok=True)
        self._folder.mkdir()
        end = time.monotonic() + self._seconds
        options = ["-q", "--sandbox", f"--impl={self._submission.argument}", *self._options]
        for number, listed in enumerate(split(listed_tests(), os.cpu_count() or 1)):
            self._parts.append(Part(listed, self._folder / f"{number}.jsonl", options, end, self._seconds))
        return list(self._parts)

    def end(self, part: "Part", outcomes: Iterable[Checked]) -> None:
        """Take the outcomes of a part into the suite."""
        known = {test.id: test for test in self.suite.tests} | {test.id: test for test in outcomes}
        self.suite = replace(self.suite, tests=tuple(known.values()), awaited=self.suite.awaited - set(part.listed))
        if not self.suite.awaited:
            self.close()

    def close(self) -> None:
        """Stop the parts that still run, and join the files of all parts. Does nothing the second time."""
        for part in self._parts:
            part.stop()
        if self._parts:
            self._join_files()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._parts = []

    @property
    def _folder(self) -> Path:
        return self._records.with_suffix(".parts")

    def _join_files(self) -> None:
        """Write the records of all parts in the order of the list, and what pytest printed part by part."""
        places = {test.id: place for place, test in enumerate(self.suite.tests)}
        entries = [entry for part in self._parts for entry in _entries(part.lines())]
        entries.sort(key=lambda entry: ("outcome" in entry, places.get(entry["test"], len(places))))
        self._records.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
        printed = [f"== {' '.join(part.files)}\n{part.printed()}\n" for part in self._parts]
        self._records.with_suffix(".log").write_text("".join(printed), encoding="utf-8")


def split(listed: Mapping[str, str], most: int) -> list[dict[str, str]]:
    """The listed tests in parts that take about equally long. The tests of a file stay together.

    Few parts are better than many: each imports PyTorch twice, in pytest and in its sandbox.

    Args:
        listed: the question of each test.
        most: of the parts.
    """
    files = set(map(_file, listed))
    parts: list[list[str]] = [[] for _ in range(min(most, len(files)))]
    for file in sorted(files, key=lambda file: (-_seconds(file), file)):
        min(parts, key=lambda part: sum(map(_seconds, part))).append(file)
    return [{id: question for id, question in listed.items() if _file(id) in part} for part in parts]


def _file(id: str) -> str:
    return id.partition("::")[0]


def _seconds(file: str) -> float:
    return SECONDS.get(file, SECONDS_OF_OTHERS)


class Part:
    """A process of pytest that runs some of the tests. It starts at once.

    Args:
        listed: the question of each of its tests.
        records: a file for the outcomes; what pytest prints goes beside it, into a `.log`.
        options: of pytest.
        end: when it is stopped, as `time.monotonic` counts.
        seconds: the time limit of which `end` is the end.
    """

    def __init__(
        self, listed: Mapping[str, str], records: Path, options: Iterable[str], end: float, seconds: float
    ) -> None:
        self.listed = listed
        self.files = list(dict.fromkeys(map(_file, listed)))
        self._records = records
        self._end = end
        self._seconds = seconds
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command([*options, f"--records={records}", *self.files], lifeline=True),
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def outcomes(self) -> tuple[Checked, ...]:
        """Wait for its end, and return what `composed` makes of it. This may be called in another thread."""
        try:
            status = self._process.wait(None if self._end == inf else max(0.0, self._end - time.monotonic()))
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        except subprocess.TimeoutExpired:
            status, how = -signal.SIGKILL, f"was stopped: the tests took more than {duration(self._seconds)}"
        finally:
            self.stop()
        ended = f"pytest {how}: {next((line for line in reversed(self.printed().splitlines()) if line.strip()), '')}"
        return composed(self.lines(), self.listed, ended, finished=status in FINISHED)

    def stop(self) -> None:
        """Kill it if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
            remove_stale()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def lines(self) -> list[str]:
        """The lines of its records."""
        return _text(self._records).split("\n")

    def printed(self) -> str:
        """What pytest has printed."""
        return _text(self._log)

    @property
    def _log(self) -> Path:
        return self._records.with_suffix(".log")


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
        if not isinstance(entry, dict) or not {"question", "outcome"} & set(entry) or "test" not in entry:
            return
        yield entry
