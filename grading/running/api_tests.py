"""The tests of the student API, run on a submission in the sandbox, as part of a grading.

pytest runs in a process of the grader's, which no code of the submission enters. Which tests there are is known
beforehand. A question's tests earn points only if exactly the known ones ran, each with exactly one outcome.
"""

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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


def run_suite(submission: Submission, records: Path, *, unsafe: bool, seconds: float = inf) -> Suite:
    """Run every test of the student API.

    Args:
        records: a file for pytest's outcomes, kept as evidence; what pytest prints goes beside it, into a `.log`.
        unsafe: run the submission unconfined where no sandbox works.
        seconds: of all tests together.
    """
    options = ["-q", "--sandbox", f"--impl={submission.argument}", f"--records={records.resolve()}"]
    printed = records.with_suffix(".log")
    with printed.open("wb") as log:
        process = subprocess.Popen(
            command([*options, *(["--unsafe"] if unsafe else [])], lifeline=True),
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(None if seconds == inf else seconds)
            how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        except subprocess.TimeoutExpired:
            status, how = -signal.SIGKILL, f"was stopped: the tests took more than {duration(seconds)}"
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
                remove_stale()
            assert process.stdin is not None
            process.stdin.close()
    lines = records.read_text(encoding="utf-8", errors="replace").split("\n") if records.is_file() else []
    last = printed.read_text(encoding="utf-8", errors="replace").split("\n")
    ended = f"pytest {how}: {next((line for line in reversed(last) if line.strip()), '')}"
    return Suite(composed(lines, listed_tests(), ended, finished=status in FINISHED))


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
