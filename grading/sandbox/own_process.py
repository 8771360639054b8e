"""Runs a submission in this process, for systems that have no sandbox: there, students train their own code.

Nothing is confined, and nothing is secret from the submission. So this module, alone outside the sandbox, imports what
else runs inside; only here, so that nothing else loads it.
"""

import ctypes
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
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


class OwnProcessWorker:
    """Answers probes and runs trainings as `grading.sandbox.worker.Worker` does, in this process.

    Each training loads the submission anew. It runs in a thread, which is interrupted if it takes too long or if the
    run is stopped. Of the limits of a training, only its wall time counts; probes have none. What the submission prints
    appears where this process prints, and if it ends this process, the run ends.

    Args:
        submission: the submission whose code runs.
    """

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._training: _Training | None = None

    def ask(self, probe: str, **data: Plain) -> Plain:
        """Put one question; see `grading.worker.student.LocalStudent.ask`.

        Raises:
            StudentRaised: the student's code raised.
        """
        return _new_student(self._submission).ask(probe, **data)

    def train(self, job: Plain, limits: Limits) -> Iterator[Plain]:
        """Run one training; see `grading.worker.training.loop.train`. Another one must have ended.

        Yields:
            What `train` yields.

        Raises:
            StudentRaised: the student's code raised.
            WorkerStopped: the training took too long, or more memory than there is; or one before it cannot be
                interrupted.
            GraderError: the grader's own part of it failed.
        """
        if self._training is not None:
            raise WorkerStopped("TIMEOUT", "an earlier training still runs in this process: it cannot be interrupted")
        training = self._training = _Training(self._submission, job)
        try:
            yield from training.events(limits.seconds)
        finally:
            if training.end():
                self._training = None

    def close(self) -> None:
        """Interrupt the training. Whoever waits for its events gets WorkerStopped."""
        if self._training is not None:
            self._training.end()

    def __enter__(self) -> "OwnProcessWorker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Interrupted(SystemExit):
    """Raised in a thread from outside. Threads end silently with a SystemExit, and few people catch it."""


@dataclass(frozen=True)
class _End:
    """How a training ended.

    Attributes:
        error: what it raised; None if nothing.
    """

    error: BaseException | None = None


class _Training:
    """One training, in a thread of its own."""

    def __init__(self, submission: Submission, job: Plain) -> None:
        self._submission = submission
        self._job = job
        self._events: SimpleQueue[Plain | _End] = SimpleQueue()
        self._folder = os.getcwd()
        self._has_ended = False
        self._ending = Lock()
        # A daemon: if it cannot be interrupted, it ends with this process.
        self._thread = Thread(target=self._run, name="training", daemon=True)
        self._thread.start()

    def events(self, seconds: float) -> Iterator[Plain]:
        """What the training yields, until it ends; raises as `OwnProcessWorker.train` does.

        Args:
            seconds: of wall time, from now.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise WorkerStopped("TIMEOUT", f"stopped after {seconds:.0f} s in the training") from None
            if isinstance(event, _End):
                self._check(event)
                return
            yield event

    def end(self) -> bool:
        """Interrupt the training unless it has ended, and wait a little; returns whether nothing of it runs any more.

        Code that does not return to Python cannot be interrupted, such as a long sleep.
        """
        with self._ending:
            if not self._has_ended:
                self._has_ended = True
                self._events.put(_End(WorkerStopped("CRASH", "the training was stopped")))
                thread, error = ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(_Interrupted)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)
            self._thread.join(SECONDS_TO_END)
            if self._thread.is_alive():
                os.chdir(self._folder)  # the submission may have left it, and nobody else brings this process back
                return False
            return True

    def _run(self) -> None:
        """In the thread: train, and hand the events over."""
        end = _End()
        try:
            for event in _events_of(self._submission, self._job):
                self._events.put(event)
        except BaseException as error:
            end = _End(error)
        self._events.put(end)

    def _check(self, end: _End) -> None:
        """Raise what a training has raised, as a worker in a sandbox would report it."""
        from grading.worker.student import raised

        self._has_ended = True
        error = end.error
        if error is None:
            return
        if isinstance(error, (WorkerStopped, GraderError)):
            raise error
        if not isinstance(error, Exception):
            raise WorkerStopped("CRASH", f"the training ended with {type(error).__name__}: {error}") from None
        student = error if isinstance(error, StudentRaised) else raised(error)
        prefix = os.path.join(_parent(self._submission), "")
        raise failure_of(student.kinds, student.message, student.frames, prefix) from None


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
