"""Runs of the tests of the student API on modules of the catalogue, many at once.

There is no sandbox: the catalogue belongs to this project, and a thousand sandboxes would take an hour. Each module is
tested in a process that is forked from this one, which has imported torch: to import it takes longer than the tests.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from grading import ROOT
from grading.assignment.test_ids import marker_of
from grading.checker.catalogue import write_submission
from grading.running.clean_pytest import OPTIONS, environment
from grading.running.pytest_server import preload


@dataclass(frozen=True)
class Task:
    """One run of tests.

    Attributes:
        name: of the wheat or chaff.
        source: of the module that takes the place of the reference's.
        tests: files and ids of the tests that run.
        question: the question whose tests run first; the others run only if these pass. None: all run together.
        seed: of hypothesis; None if it is derandomised, as for a student.
    """

    name: str
    module: str
    source: str
    tests: tuple[str, ...]
    question: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Failure:
    """A test that failed; for `kind` see `grading.running.api_tests`."""

    test: str
    question: str
    kind: str
    message: str


@dataclass(frozen=True)
class Trial:
    """The result of a task.

    Attributes:
        ended: how its process ended: `"finished"`, `"took too long"` or `"died"`.
        passed: the number of tests that passed.
        failure: the first failure; None if no test failed.
    """

    task: Task
    ended: str
    passed: int
    failure: Failure | None
    seconds: float

    @property
    def survived(self) -> bool:
        """Whether no test failed."""
        return self.ended == "finished" and self.failure is None


def test_file(module: str) -> str:
    """The file with the tests of a module."""
    return f"tests/test_{module}.py"


class Watcher:
    """A pytest plugin that counts the tests that pass, and keeps the first failure."""

    def __init__(self) -> None:
        self.passed = 0
        self.failure: Failure | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed:
            self.passed += report.when == "call"
        elif self.failure is None:
            properties = {name: str(value) for name, value in report.user_properties}
            kind = properties.get("kind", "GRADER_ERROR")
            self.failure = Failure(report.nodeid, properties.get("question", ""), kind, str(report.longrepr))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and self.failure is None:
            self.failure = Failure(report.nodeid, "", "GRADER_ERROR", str(report.longrepr))


def prepare() -> None:
    """Import what every test needs, and set the working directory and environment that a grading has."""
    os.environ.clear()
    os.environ.update(environment())
    if str(ROOT) not in sys.path:  # pytest puts it there too, for the package `tests`
        sys.path.insert(0, str(ROOT))
    preload("pdb", "grading.running.meant", "grading.worker.probes.process_state")
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that run_all ends its processes


def run_all(tasks: Iterable[Task], jobs: int, limit_s: float) -> Iterator[Trial]:
    """Run the tasks, `jobs` at a time, each for at most `limit_s` seconds, and yield trials in the order they end."""
    waiting = deque(tasks)
    running: dict[Connection, Running] = {}
    with tempfile.TemporaryDirectory(prefix="checker-") as folder:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    process = Running(waiting.popleft(), Path(folder))
                    running[process.answers] = process
                first_deadline = min(process.started for process in running.values()) + limit_s
                ready = wait(list(running), timeout=max(first_deadline - time.monotonic(), 0))
                late = [answers for answers in running if time.monotonic() - running[answers].started > limit_s]
                for answers in {*ready, *late}:
                    assert isinstance(answers, Connection)
                    yield running.pop(answers).end(in_time=answers in ready)
        finally:
            for process in running.values():
                process.end(in_time=False)


class Running:
    """A task in a process of its own."""

    def __init__(self, task: Task, folder: Path) -> None:
        self.task = task
        self.started = time.monotonic()
        self._submission = Path(tempfile.mkdtemp(dir=folder)) / "submission"
        self.answers, inner_end = get_context("fork").Pipe(duplex=False)
        arguments = (task, self._submission, inner_end)
        self._process: BaseProcess = get_context("fork").Process(target=_test, args=arguments)
        self._process.start()
        inner_end.close()

    def end(self, *, in_time: bool) -> Trial:
        """End the process, and return its trial.

        Args:
            in_time: whether it has answered, or died, before its time was over.
        """
        watcher, ended = Watcher(), "took too long"
        if in_time:
            try:
                watcher, ended = self.answers.recv(), "finished"
            except EOFError:
                ended = "died"
        assert self._process.pid is not None
        if self._process.is_alive():
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:  # it has no group of its own yet, or is gone
                self._process.kill()
        self._process.join()
        self.answers.close()
        shutil.rmtree(self._submission.parent)
        return Trial(self.task, ended, watcher.passed, watcher.failure, time.monotonic() - self.started)


def _test(task: Task, submission: Path, answers: Connection) -> None:
    """In the new process: write the submission, run its tests until one fails, and answer."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    write_submission(submission, {task.module: task.source})
    watcher = Watcher()
    for selection in _selections(task):
        if watcher.failure is None:
            pytest.main(_arguments(task, submission, selection), plugins=[watcher])
    answers.send(watcher)
    answers.close()
    sys.stdout.flush()
    os._exit(0)


def _selections(task: Task) -> list[str]:
    """The marker expressions of the tests, in the order in which they run."""
    if task.seed is not None:
        return ["hypothesis or seeded"]  # the others do not depend on the seed
    if task.question:
        marker = marker_of(task.question)
        return [marker, f"not {marker}"]
    return [""]


def _arguments(task: Task, submission: Path, selection: str) -> list[str]:
    arguments = [*OPTIONS, f"--impl={submission}", "-q", "--exitfirst", "-m", selection]
    if task.seed is not None:
        arguments += ["--hypothesis-profile=seeds", f"--hypothesis-seed={task.seed}"]
    return [*arguments, *task.tests]
