"""Reads a file that was handed in."""

import os
import stat
from errno import ELOOP
from pathlib import Path

from grading.protocol.submission import CAUTIOUSLY, MAX_BYTES, SubmissionError


def read_file(path: Path, name: str) -> bytes:
    """The content of a regular file.

    Args:
        path: where it lies; a link there is not followed.
        name: what the student calls it.

    Raises:
        SubmissionError: it is too large, no regular file, missing, or cannot be read.
    """
    try:
        descriptor = os.open(path, CAUTIOUSLY)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise SubmissionError(f"{name}: is no file; hand in the file itself")
            if status.st_size > MAX_BYTES:
                raise SubmissionError(f"{name}: more than {MAX_BYTES >> 20} MiB; hand in code only")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(MAX_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno == ELOOP:
            raise SubmissionError(f"{name}: is a link; hand in the file itself") from None
        raise SubmissionError(f"{name}: cannot be read ({error.strerror}); hand it in again") from None
