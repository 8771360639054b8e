"""The grader's end of a connection to one forked process of a worker."""

import socket
import time
from typing import Any

from grading.protocol.limits import Limits
from grading.protocol.wire import Plain, receive_claim, send


class Session:
    """A connection to one forked process. Every wait on it has an end.

    Attributes:
        limits: of the session.
        loaded: the submission's modules that the process has loaded.
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

        Args:
            deadline: in seconds of `time.monotonic`.

        Raises:
            TimeoutError, OSError: nobody reads it in time, or at all.
        """
        self._deadline = deadline
        send(self, message)

    def receive(self, deadline: float) -> Plain:
        """Wait for a frame.

        Args:
            deadline: in seconds of `time.monotonic`.

        Raises:
            TimeoutError, EOFError, OSError, WireError: no frame comes in time, or none at all.
        """
        self._deadline = deadline
        return receive_claim(self, self.limits.reply_bytes)

    def close(self) -> None:
        """Hang up. The process ends, or is killed when the next session starts."""
        self._connection.close()

    def write(self, data: Any, /) -> None:
        """For `grading.protocol.wire.send`."""
        self._connection.settimeout(self._seconds_left())
        self._connection.sendall(data)

    def flush(self) -> None:
        """For `grading.protocol.wire.send`. Nothing is buffered."""

    def readinto(self, buffer: memoryview, /) -> int:
        """For `grading.protocol.wire.receive_claim`."""
        self._connection.settimeout(self._seconds_left())
        return self._connection.recv_into(buffer)

    def _seconds_left(self) -> float:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds
