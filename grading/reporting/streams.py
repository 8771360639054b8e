"""Outputs that cannot end a command: neither their encoding, nor a full disk, nor a reader that is gone raises."""

import os
import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, TextIO


def guard_streams() -> None:
    """Make standard output and standard error of this process raise nothing.

    A character that the encoding does not have becomes an escape. If the reader of a pipe is gone, the disk is full or
    the stream is closed, the rest of the output is dropped: the grading goes on, and its results are written.
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
    """A file that is appended to. To open, write or close it never raises OSError.

    Attributes:
        lost: why a part of it is missing; None if nothing is.
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
        """Append the data. What the disk does not take is dropped."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self._lose(error)
        return len(data)

    def close(self) -> None:
        """Close the file."""
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
        """Drop what is still in the buffer, and all that follows."""
        devnull = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(devnull, self._stream.fileno())
        finally:
            os.close(devnull)
