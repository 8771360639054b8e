"""Runs pytest in forks of one process that has imported it, and torch: to import them takes longer than many tests.

No code of a submission runs in any of these processes. Each fork has a connection to the grader, and ends with it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from grading import ROOT
from grading.protocol.submission import MODULES, Submission
from grading.running.clean_pytest import OPTIONS, environment, python_program
from grading.sandbox.locked_folder import remove_stale

SECONDS_TO_END = 5.0

# Imported before a fork. Not the tests themselves: they take hypothesis's profile when they are imported.
PRELOADED = (
    "_hypothesis_pytestplugin",
    "hypothesis.internal.conjecture.engine",
    "torchmetrics.functional.classification",
    "torchvision.transforms.v2",
    "grading.assignment.checks",
    "grading.backbones.challengers",
    *(f"grading.worker.probes.{module}" for module in MODULES),
    *(f"tests.{name}" for name in ("answers", "asked", "built_on", "diagnosis", "points", "raised", "telling")),
)


@dataclass(frozen=True)
class TestRun:
    """One run of the tests of the student API on a submission.

    Attributes:
        files: of the tests, relative to ROOT.
        records: a file for the outcomes.
        log: a file for what pytest prints.
        seconds: after which it is stopped; None for never.
        unsafe: run the submission unconfined if no sandbox works.
    """

    __test__ = False  # pytest takes a class of this name for one of tests

    submission: Submission
    files: tuple[str, ...]
    records: Path
    log: Path
    seconds: float | None
    unsafe: bool

    @property
    def arguments(self) -> list[str]:
        """Of pytest, which asks the submission in a sandbox."""
        return [*self.arguments_in_own_process, "--sandbox", *(["--unsafe"] if self.unsafe else [])]

    @property
    def arguments_in_own_process(self) -> list[str]:
        """Of pytest, which asks the submission in its own process."""
        options = ["-q", f"--impl={self.submission.argument}", f"--records={self.records}"]
        return [*OPTIONS, *options, *self.files]


class PytestServer:
    """The process from which each run of pytest is forked. It starts with the first run.

    Args:
        unsafe: choose no sandbox if none works.
    """

    def __init__(self, *, unsafe: bool = False) -> None:
        self._unsafe = unsafe
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._runs: set[socket.socket] = set()
        self._closed = False

    def run(self, tests: TestRun) -> int | None:
        """Run tests, and wait for their end. Several threads may call this at a time.

        Returns:
            The exit status of pytest; None if its time was over. If it died, the negative number of a signal.
        """
        connection, inner_end = socket.socketpair()
        with connection:
            with inner_end, self._lock:
                if self._closed:
                    return -signal.SIGKILL
                self._hand_over(inner_end)
                self._runs.add(connection)
            try:
                connection.settimeout(tests.seconds)
                connection.sendall(json.dumps([tests.arguments, str(tests.log)]).encode() + b"\n")
                answer = connection.recv(64)
            except TimeoutError:
                self._end(connection)
                return None
            except OSError:
                answer = b""
            finally:
                with self._lock:
                    self._runs.discard(connection)
            if answer:
                _wait_for_the_end(connection)
            else:
                remove_stale()
            return int(answer) if answer else -signal.SIGKILL

    def close(self) -> None:
        """Stop every run, and the process."""
        with self._lock:
            self._closed = True
            runs = list(self._runs)
            if self._control is not None:
                self._control.close()
        if self._process is not None:
            self._process.kill()  # no run ends with it, and it may still be importing
            self._process.wait()
        for connection in runs:
            self._end(connection)

    def __enter__(self) -> "PytestServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hand_over(self, inner_end: socket.socket) -> None:
        """Let a run be forked that has this end of a connection."""
        try:
            socket.send_fds(self._server(), [b"\0"], [inner_end.fileno()])
        except OSError:  # the process was killed, and is not known to be gone yet
            self._process = None
            socket.send_fds(self._server(), [b"\0"], [inner_end.fileno()])

    def _server(self) -> socket.socket:
        """The connection to the process; it is started if it is missing or gone."""
        if self._process is None or self._control is None or self._process.poll() is not None:
            self._control, inner_end = socket.socketpair()
            with inner_end:
                program = (
                    f"from grading.running.pytest_server import serve; serve({inner_end.fileno()}, {self._unsafe})"
                )
                self._process = subprocess.Popen(
                    python_program(program),
                    cwd=ROOT,
                    env=environment(),
                    stdin=subprocess.DEVNULL,
                    pass_fds=[inner_end.fileno()],
                    start_new_session=True,
                )
        return self._control

    @staticmethod
    def _end(connection: socket.socket) -> None:
        """End a run: it ends itself when it sees the end of its connection."""
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            _wait_for_the_end(connection)
        remove_stale()


def _wait_for_the_end(connection: socket.socket) -> None:
    """Wait until the process at the other end is gone."""
    with suppress(OSError):
        connection.settimeout(SECONDS_TO_END)
        while connection.recv(64):
            pass


def serve(descriptor: int, unsafe: bool) -> None:
    """In the new process: fork a run for each connection that comes, until the grader closes its end.

    Args:
        descriptor: of the connection over which the others come.
    """
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    preload("grading.sandbox.worker")
    choose_once(unsafe)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a fork
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _run(socket.socket(fileno=descriptors[0]))
        os.close(descriptors[0])


def choose_once(unsafe: bool) -> None:
    """Choose the sandbox for all runs."""
    from grading.sandbox.choose import NoSandbox, choose

    with suppress(NoSandbox):  # each run says so
        choose(unsafe=unsafe)


def preload(*others: str) -> None:
    """Import what every run of the tests needs, so that a fork of this process need not.

    Args:
        others: modules that are imported besides.
    """
    import gc
    from importlib import import_module

    import torch
    from _pytest.config import default_plugins

    for name in (*(f"_pytest.{plugin}" for plugin in default_plugins), *PRELOADED, *others):
        import_module(name)
    torch.set_num_threads(1)  # a fork of a process with threads may hang
    gc.collect()
    gc.freeze()  # pytest collects garbage several times: not among all that was imported here


def _run(connection: socket.socket) -> NoReturn:
    """In the fork: run pytest, say how it ended, and end."""
    import pytest

    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status: int = pytest.ExitCode.INTERNAL_ERROR
    try:
        with connection.makefile("rb") as requests:
            arguments, log = json.loads(requests.readline())
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.close(output)
        _end_with(connection)
        status = int(pytest.main(arguments))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
            connection.sendall(b"%d" % status)
        os._exit(status)


def _end_with(connection: socket.socket) -> None:
    """End this process as soon as the grader closes the connection, or is gone."""

    def wait() -> None:
        connection.recv(1)
        os._exit(1)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
