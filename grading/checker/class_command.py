"""The class command in a process of its own, which can be killed as an out-of-memory killer kills."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from grading import ROOT
from grading.sandbox.locked_folder import PREFIX

SECONDS_TO_END = 15.0  # of the processes of a killed grader
LOG = "commands.log"


class Command:
    """Starts the grader's commands, with a temporary folder of their own, so that what they leave can be told.

    Args:
        folder: an existing one, for the log and the temporary folder; others may read what lies above it.
        program: what stands before the arguments of each command.
    """

    def __init__(self, folder: Path, program: Sequence[str] = (sys.executable, "-m", "grading")) -> None:
        self._program = list(program)
        self._log = folder / LOG
        self._temporary = folder / "tmp"
        self._temporary.mkdir(exist_ok=True)
        self._temporary.chmod(0o755)

    def run(self, *arguments: str) -> int:
        """Run a command to its end; returns the exit status."""
        with self._started(arguments) as process:
            return process.wait()

    def run_and_kill(self, *arguments: str, seconds: float) -> tuple[int | None, list[psutil.Process]]:
        """Start a command, and kill its process alone after a time.

        Returns:
            The exit status if it ended before that time, else None; and those of its processes that are still there
            SECONDS_TO_END later.
        """
        with self._started(arguments) as process:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(seconds), []
            grader = psutil.Process(process.pid)
            grader.suspend()  # so that it starts no process which is not seen
            started = grader.children(recursive=True)
            grader.kill()
            process.wait()
            _, alive = psutil.wait_procs(started, SECONDS_TO_END)
            return None, [each for each in alive if _runs(each)]

    def leftovers(self) -> list[str]:
        """What commands that have ended left: processes that know the temporary folder, and workers' folders in it."""
        deadline = time.monotonic() + SECONDS_TO_END
        while (left := [*self._processes(), *map(str, self._temporary.glob(f"{PREFIX}*"))]) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.2)
        return left

    def _processes(self) -> Iterator[str]:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                texts = [*process.cmdline(), *process.environ().values()]
                if any(str(self._temporary) in text for text in texts):
                    yield f"process {process.pid}: {' '.join(process.cmdline())}"

    @contextmanager
    def _started(self, arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        environment = os.environ | {"TMPDIR": str(self._temporary)}
        with self._log.open("ab") as log:
            log.write(f"== {' '.join(arguments)}\n".encode())
            log.flush()
            process = subprocess.Popen([*self._program, *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield process
        except BaseException:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
