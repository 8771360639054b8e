"""A process inside a sandbox: its command, its environment, its start and its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil

from grading.protocol.allocator import KEEP_MEMORY


class Confined:
    """A process inside a sandbox, and all processes that it starts."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def members(self) -> Iterator[psutil.Process]:
        """The processes that are alive, the one that launched the sandbox included."""
        with suppress(psutil.NoSuchProcess):
            launcher = psutil.Process(self.process.pid)
            yield launcher
            yield from launcher.children(recursive=True)

    def end(self) -> None:
        """Kill them all, and delete what they left in folders in which everybody may write."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start_process(
    command: Sequence[str], environment: Mapping[str, str], keep: int, output: int | IO[Any], **identity: Any
) -> "subprocess.Popen[bytes]":
    """Start a process in a session of its own.

    Args:
        keep: a descriptor that stays open.
        output: where standard output and error go.
        identity: arguments of Popen that set the user.
    """
    return subprocess.Popen(
        command,
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=[keep],
        start_new_session=True,
        **identity,
    )


def python_command(arguments: Sequence[str]) -> list[str]:
    """The command of this interpreter; it imports nothing from the working folder or from the user's."""
    return [sys.executable, "-P", "-s", *arguments]


def environment_of(workspace: Path) -> dict[str, str]:
    """The whole environment of a worker."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "USER": "student",  # torch asks who runs it, and there is no list of users inside
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(workspace / "code"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",  # the last lines before a crash matter most
        # One thread: the numbers do not depend on the machine's cores, and each of several workers has a core.
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        **KEEP_MEMORY,
    }
