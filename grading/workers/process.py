"""The grader's side of a worker: a submission's answers, from a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from grading.probes import StudentRaised
from grading.submissions import Submission
from grading.workers.wire import Plain, WireError, receive, send

ROOT = Path(__file__).resolve().parents[2]


class WorkerDied(Exception):
    """The worker ended, or sent what no worker sends; one line."""


class Worker:
    """Answers probes, as `grading.probes.Student` does, and runs trainings.

    Args:
        submission: whose code runs.
        log: where the worker's standard output and error go; this process's standard error where None.
    """

    def __init__(self, submission: Submission, log: IO[bytes] | None = None) -> None:
        # One thread: the same numbers whatever the machine's cores, and a core for each of several workers.
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grading.workers.serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches the grader alone, which then ends its workers
        )
        about = {"name": submission.name, "folder": str(submission.folder), "package": submission.package}
        self._send(about)

    def ask(self, probe: str, **data: Plain) -> Plain:
        """Put one question; see `grading.probes.Student.ask`.

        Raises:
            StudentRaised: the student's code raised.
            WorkerDied: the worker did not survive the question.
        """
        self._send({"probe": probe, "data": data})
        return self._answer(self._receive())

    def train(self, job: Plain) -> Iterator[Plain]:
        """Run one training; see `grading.training.loop.train`.

        Yields:
            One dict per epoch.

        Raises:
            StudentRaised: the student's code raised.
            WorkerDied: the training's process died.
        """
        self._send({"train": job})
        last = None
        while "ended" not in (reply := self._receive()):
            if "epoch" in reply:
                yield reply["epoch"]
            else:
                last = reply
        if last is None:
            raise WorkerDied(f"the training's process ended with status {reply['ended']}")
        self._answer(last)

    def close(self) -> None:
        """End the worker and everything it started."""
        if self._process.poll() is None:
            _kill_group(self._process.pid)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, reply: Plain) -> Plain:
        if "answer" in reply:
            return reply["answer"]
        raise StudentRaised(*reply["raised"])

    def _send(self, message: Plain) -> None:
        assert self._process.stdin is not None
        try:
            send(self._process.stdin, message)  # type: ignore[arg-type]
        except OSError:
            raise WorkerDied(self._epitaph()) from None

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        try:
            return receive(self._process.stdout)  # type: ignore[arg-type]
        except EOFError:
            raise WorkerDied(self._epitaph()) from None
        except WireError as error:
            raise WorkerDied(f"the worker sent {error}") from None

    def _epitaph(self) -> str:
        return f"the worker ended with status {self._process.wait()}"


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
