"""A sandbox for tests that are not about sandboxes: its processes are forks of one that has imported PyTorch."""

import os
import socket
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any, cast

from grading.sandbox.confined import Confined, environment_of
from grading.sandbox.tiers import Sandbox
from grading.tests.fresh_python import run_as_new, start_fork


class ForkedSandbox(Sandbox):
    """It confines nothing, and starts in a tenth of the time of the others."""

    tier = "forked"
    promise = "for tests: nothing is confined"

    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> Confined:
        printed, inner_end = socket.socketpair()
        with inner_end, socket.socket(fileno=os.dup(keep)) as kept:
            process = start_fork(_serve, list(arguments), environment_of(workspace), kept, inner_end, daemon=True)
        return Confined(cast(Any, ForkedProcess(process, printed)))


class ForkedProcess:
    """What `Confined` and its users need of a `subprocess.Popen`."""

    def __init__(self, process: BaseProcess, printed: socket.socket) -> None:
        self._process = process
        self.pid = process.pid
        self.stdout = printed.makefile("rb")
        printed.close()  # the file keeps it open

    def wait(self) -> None:
        self._process.join()


def _serve(arguments: list[str], environment: Mapping[str, str], kept: socket.socket, output: socket.socket) -> None:
    """In the new process: run a module of the workspace, as `python -P -s -m MODULE DESCRIPTOR ARGUMENT...` does."""
    os.setsid()
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    output.close()
    flag, module, _, *others = arguments
    run_as_new([flag, module, str(kept.detach()), *others], Path("/"), environment)
