"""Runs a submission in this process, for systems that have no sandbox: there, students train their own code.

Nothing is confined, and nothing is secret from the submission. So this module, alone outside the sandbox, imports what
else runs inside; only here, so that nothing else loads it.
"""

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

from grading.protocol.limits import Limits
from grading.protocol.questions import StudentRaised
from grading.protocol.submission import FOLDER_PACKAGE, Submission
from grading.protocol.text import LETTERS
from grading.protocol.wire import Plain
from grading.sandbox.worker import GraderError, WorkerStopped, failure_of

if TYPE_CHECKING:
    from grading.worker.student import LocalStudent

SECONDS_TO_END = 5.0
SECONDS_BETWEEN_LOOKS = 0.5  # Windows does not interrupt who waits, so nobody waits longer at a time
Work = Callable[[], Iterator[Plain]]


class OwnProcessWorker:
    """Answers probes and runs trainings as `grading.sandbox.worker.Worker` does, in this process.

    Each probe and each training loads the submission anew, in a thread that is interrupted if it takes too long or if
    the run is stopped. In a process one runs at a time, whichever worker it is of. Of the limits, only the wall time
    counts. What the submission prints appears where this process prints, and if it ends this process, the run ends.

    Args:
        submission: the submission whose code runs.
    """

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._closed = False
        self._running: _Running | None = None

    def ask(self, probe: str, **data: Plain) -> Plain:
        """Put one question; see `grading.worker.student.LocalStudent.ask`.

        Raises:
            StudentRaised, WorkerStopped: as in `train`.
        """
        (answer,) = self._run(partial(_answer_of, self._submission, probe, data), Limits().seconds, "a question")
        return answer

    def train(self, job: Plain, limits: Limits) -> Iterator[Plain]:
        """Run one training; see `grading.worker.training.loop.train`.

        Yields:
            What `train` yields.

        Raises:
            StudentRaised: the student's code raised.
            WorkerStopped: the student's code took too long, or more memory than there is; or what ran before it cannot
                be interrupted.
            GraderError: the grader's own part of it failed.
        """
        yield from self._run(partial(_events_of, self._submission, job), limits.seconds, "the training")

    def close(self) -> None:
        """Interrupt what runs. Whoever waits for it gets WorkerStopped."""
        self._closed = True
        if self._running is not None:
            self._running.end()

    def __enter__(self) -> "OwnProcessWorker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, work: Work, seconds: float, subject: str) -> Iterator[Plain]:
        """What some work yields, in its turn.

        Args:
            seconds: of wall time, once it has its turn.
            subject: what it is, as messages name it.
        """
        with _turn(lambda: self._closed):
            running = self._running = _Running(work, self._submission, subject)
            try:
                yield from running.events(seconds)
            finally:
                running.end()
                self._running = None


_TURN = Lock()
_last: "_Running | None" = None  # what had the turn before


@contextmanager
def _turn(is_closed: Callable[[], bool]) -> Iterator[None]:
    """Wait until nothing else of a submission runs in this process.

    Raises:
        WorkerStopped: it is closed meanwhile, or what ran before cannot be interrupted.
    """
    while not _TURN.acquire(timeout=SECONDS_BETWEEN_LOOKS):
        if is_closed():
            break
    else:
        try:
            if not is_closed():
                if _last is not None and _last.is_alive():
                    raise WorkerStopped("TIMEOUT", f"{_last.subject} still runs in this process: nothing interrupts it")
                yield
                return
        finally:
            _TURN.release()
    raise WorkerStopped("CRASH", "the run was stopped")


class _Interrupted(SystemExit):
    """Raised in a thread from outside. Threads end silently with a SystemExit, and few people catch it."""


@dataclass(frozen=True)
class _End:
    """How some work ended.

    Attributes:
        error: what it raised; None if nothing.
    """

    error: BaseException | None = None


class _Running:
    """Work in a thread of its own.

    Attributes:
        subject: what it is, as messages name it.
    """

    def __init__(self, work: Work, submission: Submission, subject: str) -> None:
        global _last
        self.subject = subject
        self._work = work
        self._submission = submission
        self._events: SimpleQueue[Plain | _End] = SimpleQueue()
        self._folder = os.getcwd()
        self._has_ended = False
        self._ending = Lock()
        # A daemon: if it cannot be interrupted, it ends with this process.
        self._thread = Thread(target=self._run, name="submission", daemon=True)
        self._thread.start()
        _last = self

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    def events(self, seconds: float) -> Iterator[Plain]:
        """What the work yields, until it ends; raises as `OwnProcessWorker.train` does.

        Args:
            seconds: of wall time, from now.
        """
        deadline = time.monotonic() + seconds
        while True:
            seconds_left = deadline - time.monotonic()
            if seconds_left <= 0:
                raise WorkerStopped("TIMEOUT", f"stopped after {seconds:.0f} s in {self.subject}")
            try:
                event = self._events.get(timeout=min(seconds_left, SECONDS_BETWEEN_LOOKS))
            except Empty:
                continue
            if isinstance(event, _End):
                self._check(event)
                return
            yield event

    def end(self) -> None:
        """Interrupt the work unless it has ended, and wait a little.

        Code that does not return to Python cannot be interrupted, such as a long sleep.
        """
        with self._ending:
            if not self._has_ended:
                self._has_ended = True
                self._events.put(_End(WorkerStopped("CRASH", f"{self.subject} was stopped")))
                thread, error = ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(_Interrupted)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)
            self._thread.join(SECONDS_TO_END)
            if self._thread.is_alive():
                os.chdir(self._folder)  # the submission may have left it, and nobody else brings this process back

    def _run(self) -> None:
        """In the thread: do the work, and hand over what it yields."""
        end = _End()
        try:
            for event in self._work():
                self._events.put(event)
        except BaseException as error:
            end = _End(error)
        self._events.put(end)

    def _check(self, end: _End) -> None:
        """Raise what the work has raised, as a worker in a sandbox would report it."""
        from grading.worker.student import raised

        self._has_ended = True
        error = end.error
        if error is None:
            return
        if isinstance(error, (WorkerStopped, GraderError)):
            raise error
        if not isinstance(error, Exception):
            raise WorkerStopped("CRASH", f"{self.subject} ended with {type(error).__name__}: {error}") from None
        student = error if isinstance(error, StudentRaised) else raised(error)
        prefix = os.path.join(_parent(self._submission), "")
        raise failure_of(student.kinds, student.message, student.frames, prefix) from None


def _answer_of(submission: Submission, probe: str, data: Mapping[str, Plain]) -> Iterator[Plain]:
    """The answer to a question."""
    yield _new_student(submission).ask(probe, **data)


def _events_of(submission: Submission, job: Plain) -> Iterator[Plain]:
    """The events of a training, of whose job everything is checked first that no code of the submission decides.

    Raises:
        GraderError: the job is of no use.
    """
    import torch

    from grading.worker.probes.process_state import inside
    from grading.worker.training.loop import train
    from grading.worker.training.networks import check_weights

    torch.set_num_threads(job["threads"])  # before the student's state is read, of which it is a part
    student = _new_student(submission)
    try:
        with inside(student.state):
            check_weights(job)
    except Exception as error:
        raise GraderError(f"{type(error).__name__}: {error}"[:LETTERS]) from error
    yield from train(job, student)


def _new_student(submission: Submission) -> "LocalStudent":
    """The submission, of which nothing is imported yet."""
    from grading.worker.student import LocalStudent

    package = submission.package
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
    if package != FOLDER_PACKAGE and (parent := _parent(submission)) not in sys.path:
        sys.path.insert(0, parent)  # a package of this name that is installed is not the one that was handed in
    return LocalStudent(submission)


def _parent(submission: Submission) -> str:
    """The folder that a submission is imported from."""
    depth = 0 if submission.package == FOLDER_PACKAGE else submission.package.count(".")
    return str(submission.folder.parents[depth])
