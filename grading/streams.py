"""Standard output and error that end no command: whatever their encoding, and whether or not anybody reads them."""

import os
import sys
from contextlib import suppress
from typing import Any, TextIO


def guard_streams() -> None:
    """From here on, what an output cannot take never raises, in this process.

    A character that its encoding does not hold becomes an escape. Where the reader of a pipe has gone, the disk is full
    or the stream was closed, the rest is dropped: a grading goes on, and its results are written.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        if not isinstance(stream, _Guarded):
            with suppress(AttributeError, ValueError):
                stream.reconfigure(errors="backslashreplace")
            setattr(sys, name, _Guarded(stream))


class _Guarded:
    """A stream whose `write` and `flush` do not fail."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._silence()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._silence()

    def _silence(self) -> None:
        """Send what is still in the buffer, and all that follows, nowhere."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self._stream.fileno())
        finally:
            os.close(nowhere)
