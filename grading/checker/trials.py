"""Running the tests of the student API on modules of the catalogue, many at once.

Not sandboxed: the catalogue is this project's own, and a thousand sandboxes would take an hour. Each module is tested
in a process that is forked from this one, in which torch is imported already: importing it takes longer than the tests.
"""

import gc
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from grading import ROOT
from grading.checker.catalogue import write_submission
from grading.protocol.submission import MODULES
from grading.running.clean_pytest import OPTIONS, environment


@dataclass(frozen=True)
class Task:
    """One run of tests.

    Attributes:
        name: of the wheat or chaff.
        source: of the module that takes the place of the reference's.
        modules: the modules whose tests run.
        question: the question whose tests run; the others run only where those pass. None: all together.
        seed: for hypothesis, None if it is derandomised as for a student.
    """

    name: str
    module: str
    source: str
    modules: tuple[str, ...]
    question: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Failure:
    """A test that failed, `kind` as in `grading.running.api_tests`."""

    test: str
    question: str
    kind: str
    message: str


@dataclass(frozen=True)
class Trial:
    """What came of a task.

    Attributes:
        ended: `"finished"`, `"took too long"` or `"died"`.
        failure: the first one.
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


class Watcher:
    """A pytest plugin that notes outcomes."""

    def __init__(self) -> None:
        self.passed = 0
        self.failure: Failure | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed:
            self.passed += report.when == "call"
        elif self.failure is None:
            told = {name: str(value) for name, value in report.user_properties}
            kind = told.get("kind", "GRADER_ERROR")
            self.failure = Failure(report.nodeid, told.get("question", ""), kind, str(report.longrepr))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and self.failure is None:
            self.failure = Failure(report.nodeid, "", "GRADER_ERROR", str(report.longrepr))


# Not the tests themselves: they take hypothesis's profile as they are imported.
PREPARED = (
    "_hypothesis_pytestplugin",
    "hypothesis.internal.conjecture.engine",
    "pytest_benchmark.plugin",
    "torchmetrics.functional.classification",
    "torchvision.transforms.v2",
    *(f"grading.worker.probes.{module}" for module in MODULES),
)


def prepare() -> None:
    """Import what every test needs, and go to where pytest starts, with the environment of a grading."""
    import torch  # here: it takes seconds, and a command line needs none of it

    os.environ.clear()
    os.environ.update(environment())
    for name in PREPARED:
        import_module(name)
    torch.set_num_threads(1)  # a fork of a process with threads may hang
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that run_all ends its processes
    gc.collect()
    gc.freeze()  # pytest collects garbage several times: in a fork, not among everything imported here


def run_all(tasks: Iterable[Task], jobs: int, limit_s: float) -> Iterator[Trial]:
    """Run the tasks, `jobs` at a time, each for at most `limit_s`; trials come as they end."""
    waiting = deque(tasks)
    running: dict[Connection, Running] = {}
    with tempfile.TemporaryDirectory(prefix="checker-") as folder:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    started = Running(waiting.popleft(), Path(folder))
                    running[started.answers] = started
                soonest = min(one.started for one in running.values()) + limit_s
                ready = wait(list(running), timeout=max(soonest - time.monotonic(), 0))
                late = [one.answers for one in running.values() if time.monotonic() - one.started > limit_s]
                for answers in {*ready, *late}:
                    assert isinstance(answers, Connection)
                    yield running.pop(answers).end(in_time=answers in ready)
        finally:
            for one in running.values():
                one.end(in_time=False)


class Running:
    """A task in a process of its own."""

    def __init__(self, task: Task, folder: Path) -> None:
        self.task = task
        self.started = time.monotonic()
        self._submission = Path(tempfile.mkdtemp(dir=folder)) / "submission"
        self.answers, there = get_context("fork").Pipe(duplex=False)
        self._process: BaseProcess = get_context("fork").Process(target=_test, args=(task, self._submission, there))
        self._process.start()
        there.close()

    def end(self, *, in_time: bool) -> Trial:
        """Take the answer of one that is ready, stop one that is not."""
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
            except ProcessLookupError:  # it has not got to its own group yet, or is gone
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
    """Marker expressions of the tests that run one after another."""
    if task.seed is not None:
        return ["hypothesis or seeded"]  # the others ask the same whatever the seed
    if task.question:
        marker = task.question.replace("-", "_").lower()
        return [marker, f"not {marker}"]
    return [""]


def _arguments(task: Task, submission: Path, selection: str) -> list[str]:
    arguments = [*OPTIONS, f"--impl={submission}", "-q", "--exitfirst", "-m", selection]
    if task.seed is not None:
        arguments += ["--hypothesis-profile=seeds", f"--hypothesis-seed={task.seed}"]
    return arguments + [f"tests/test_{module}.py" for module in task.modules]
