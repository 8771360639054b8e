"""Runs pytest in new processes, in which the submission's code runs too: for systems that have no sandbox."""

import signal
import subprocess
import threading
from typing import IO

from grading import ROOT
from grading.running.clean_pytest import environment, python_program
from grading.running.pytest_server import TestRun


class PytestProcesses:
    """Starts a process for each run of pytest, as a student does. It needs no more of the system than that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def run(self, tests: TestRun) -> int | None:
        """Run tests, and wait for their end. Several threads may call this at a time.

        Returns:
            The exit status of pytest; None if its time was over. If it died, the negative number of a signal.
        """
        with tests.log.open("wb") as log:
            process = self._start(tests, log)
            if process is None:
                return -signal.SIGTERM
            with process:  # its end closes the pipe, at which the process ends if it still runs
                try:
                    return process.wait(tests.seconds)
                except subprocess.TimeoutExpired:
                    return None
                finally:
                    process.kill()
                    with self._lock:
                        self._running.discard(process)

    def close(self) -> None:
        """Stop every run."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.kill()

    def _start(self, tests: TestRun, log: IO[bytes]) -> "subprocess.Popen[bytes] | None":
        """The process of a run; None if nothing is run any more."""
        program = (
            "from grading.protocol.lifeline import end_with_the_grader; end_with_the_grader(); "
            f"import pytest; sys.exit(pytest.main({tests.arguments_in_own_process!r}))"
        )
        with self._lock:
            if self._closed:
                return None
            process = subprocess.Popen(
                python_program(program),
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.PIPE,  # its end tells that the grader is gone
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the grader; Windows has no sessions, and ignores this
            )
            self._running.add(process)
            return process
