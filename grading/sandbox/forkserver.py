"""The grader's end of a fork server: the process in the sandbox from which sessions are forked."""

import codecs
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from grading.protocol.limits import Limits
from grading.protocol.text import printable
from grading.protocol.wire import EXIT_CODE, START, STATUS
from grading.sandbox.session import Session
from grading.sandbox.tiers import Sandbox
from grading.sandbox.watch import MemoryWatch

LOG_BYTES = 2**20
START_SECONDS = 180.0
STATUS_SECONDS = 5.0


class ForkServer:
    """The process in the sandbox from which sessions are forked; see `grading.worker.serve`.

    Attributes:
        out_of_memory: whether it was ended because its processes took too much memory.
        untouched: whether no code of the submission can have run in this sandbox. As long as that is so, all that comes
            out of it was written by the grader's own code.
        watch: the watch over its memory.

    Args:
        imported: modules that every session finds imported.
        log: where the beginning of its output goes; standard error if None.
    """

    def __init__(
        self, sandbox: Sandbox, workspace: Path, imported: Sequence[str] = (), log: IO[bytes] | None = None
    ) -> None:
        self.out_of_memory = False
        self.untouched = True
        self._control, inner_end = socket.socketpair()
        with inner_end:
            arguments = ["-m", "grading.worker.serve", str(inner_end.fileno()), *imported]
            self._confined = sandbox.start(arguments, workspace, keep=inner_end.fileno(), output=subprocess.PIPE)
        output = self._confined.process.stdout
        self._drain = threading.Thread(target=_drain, args=(output, log), name="worker's output", daemon=True)
        self._drain.start()
        self.watch = MemoryWatch(self._confined.members, Limits().resident_bytes, self._end_for_memory)

    def session(self, limits: Limits) -> Session:
        """Fork a session. The one before it is ended.

        Raises:
            OSError: the process is gone.
        """
        connection, inner_end = socket.socketpair()
        with inner_end:
            self._control.settimeout(START_SECONDS)
            socket.send_fds(self._control, [START], [inner_end.fileno()])
        return Session(connection, limits)

    def status(self) -> int | None:
        """How the last session ended: its exit code, negative for a signal; None if nobody answers."""
        try:
            self._control.settimeout(STATUS_SECONDS)
            self._control.send(STATUS)
            return int(EXIT_CODE.unpack(self._control.recv(EXIT_CODE.size))[0])
        except (OSError, struct.error):
            return None

    def close(self) -> None:
        """Kill the process and everything that it started."""
        self.watch.stop()
        self._control.close()
        self._confined.end()
        self._drain.join(timeout=STATUS_SECONDS)

    def _end_for_memory(self) -> None:
        self.out_of_memory = True
        self._confined.end()


def _drain(output: IO[bytes], log: IO[bytes] | None) -> None:
    """Read all that is printed, and log its first LOG_BYTES as text that is `printable` in a terminal.

    It is read to the end even if the log takes no more: a full pipe would stop the worker.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    bytes_left = LOG_BYTES
    with output, suppress(OSError, ValueError):
        while chunk := output.read1(2**16):  # type: ignore[attr-defined]
            if not bytes_left:
                continue
            text = printable(decoder.decode(chunk).replace("\r", "\n"))
            logged = text.encode()[:bytes_left].decode(errors="ignore")
            bytes_left = max(0, bytes_left - max(len(chunk), len(logged.encode())))
            with suppress(Exception):  # a log that cannot be written stops nothing
                _write(logged, log)


def _write(text: str, log: IO[bytes] | None) -> None:
    if log is None:
        sys.stderr.write(text)
    else:
        log.write(text.encode())
        log.flush()
