"""The process in the sandbox that sessions are forked from, and the connections to them, seen from outside."""

import codecs
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from grading.protocol.limits import Limits
from grading.protocol.text import printable
from grading.protocol.wire import EXIT_CODE, START, STATUS, Plain, receive_claim, send
from grading.sandbox.tiers import Sandbox
from grading.sandbox.watch import MemoryWatch

LOG_BYTES = 2**20
START_SECONDS = 180.0
STATUS_SECONDS = 5.0


class ForkServer:
    """The process in the sandbox that sessions are forked from.

    Attributes:
        out_of_memory: whether it was ended because it took too much.
        untouched: whether no code of the submission can have run in this sandbox: all that it says is the grader's.
    """

    def __init__(self, sandbox: Sandbox, workspace: Path, log: IO[bytes] | None) -> None:
        self._control, theirs = socket.socketpair()
        self.out_of_memory = False
        self.untouched = True
        with theirs:
            arguments = ["-m", "grading.worker.serve", str(theirs.fileno())]
            self._confined = sandbox.start(arguments, workspace, keep=theirs.fileno(), output=subprocess.PIPE)
        self._drain = threading.Thread(target=self._drained, args=(log,), name="worker's output", daemon=True)
        self._drain.start()
        self.watch = MemoryWatch(self._confined.members, Limits().resident_bytes, self._exceeded)

    def session(self, limits: Limits) -> "Session":
        """Fork a session; the one before is ended.

        Raises:
            OSError: the process is gone.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            self._control.settimeout(START_SECONDS)
            socket.send_fds(self._control, [START], [theirs.fileno()])
        return Session(ours, limits)

    def status(self) -> int | None:
        """How the last session ended; None if nobody answers."""
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

    def _exceeded(self) -> None:
        self.out_of_memory = True
        self._confined.end()

    def _drained(self, log: IO[bytes] | None) -> None:
        """Read all that is printed, whatever becomes of it, and keep its beginning: a full pipe would stop the worker.

        What is kept is `printable`: whoever shows it in a terminal shows text.
        """
        output = self._confined.process.stdout
        assert output is not None
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        room = LOG_BYTES
        with output, suppress(OSError, ValueError):
            while chunk := output.read1(2**16):  # type: ignore[attr-defined]
                if not room:
                    continue
                text = printable(decoder.decode(chunk).replace("\r", "\n")).encode()[:room].decode(errors="ignore")
                room = max(0, room - max(len(chunk), len(text.encode())))
                with suppress(Exception):  # whatever keeps it
                    if log is None:
                        sys.stderr.write(text)
                    else:
                        log.write(text.encode())
                        log.flush()


class Session:
    """A connection to one forked process; every wait on it has an end.

    Attributes:
        loaded: the modules of the submission that were asked for.
        opened: when the process first answered, in seconds of `time.monotonic`.
    """

    def __init__(self, connection: socket.socket, limits: Limits) -> None:
        self._connection = connection
        self._deadline = 0.0
        self.limits = limits
        self.opened = 0.0
        self.loaded: set[str] = set()

    def send(self, message: Plain, deadline: float) -> None:
        """Send a frame.

        Raises:
            TimeoutError, OSError: nobody reads it in time, or at all.
        """
        self._deadline = deadline
        send(self, message)

    def receive(self, deadline: float) -> Plain:
        """Wait for a frame.

        Raises:
            TimeoutError, EOFError, OSError, WireError: there is none in time, or none at all.
        """
        self._deadline = deadline
        return receive_claim(self, self.limits.reply_bytes)

    def close(self) -> None:
        """Hang up; the process ends, or is killed when the next session starts."""
        self._connection.close()

    def write(self, data: Any, /) -> None:
        self._connection.settimeout(self._left())
        self._connection.sendall(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def readinto(self, buffer: memoryview, /) -> int:
        self._connection.settimeout(self._left())
        return self._connection.recv_into(buffer)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
