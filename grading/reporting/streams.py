"""Outputs that end no command: whatever their encoding, and whether or not anybody reads them or a disk has room."""

import os
import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path
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


class Log(FileIO):
    """A file that is appended to; to write, close or even open it never raises OSError.

    Attributes:
        lost: why a part of it is missing; None if it is whole.
    """

    def __init__(self, path: Path) -> None:
        self.lost: str | None = None
        self._path = path
        try:
            super().__init__(path, "a")
        except OSError as error:
            super().__init__(os.devnull, "a")
            self._lose(error)

    def write(self, data: Any, /) -> int:
        """Append all of it; what the disk does not take is dropped."""
        left = memoryview(data)
        try:
            while left:
                left = left[super().write(left) :]
        except OSError as error:
            self._lose(error)
        return len(data)

    def close(self) -> None:
        """Close it."""
        try:
            super().close()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        self.lost = f"{self._path.name}: {error.strerror or error}; a part of it is missing"


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
