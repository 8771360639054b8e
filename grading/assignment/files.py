"""Files that are there whole or not at all."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

TRIES, SECONDS_BETWEEN = 10, 0.2  # of renaming onto a file that is open


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all; what a kill leaves is overwritten the next time.

    Raises:
        OSError: it cannot be written, and nothing has changed.
    """
    # A byte of a file name that is no UTF-8, in a path or in a message, must not cost the file.
    write_whole_bytes(path, text.encode(errors="backslashreplace"))


def write_whole_bytes(path: Path, content: bytes) -> None:
    """As `write_whole`.

    Raises:
        OSError: it cannot be written, and nothing has changed.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        aside.write_bytes(content)
        _replace(aside, path)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise


def _replace(source: Path, target: Path) -> None:
    """Rename a file onto another one, which on Windows fails as long as somebody has it open, such as a virus scanner.

    Raises:
        OSError: it cannot be renamed.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if sys.platform != "win32" or not tries_left:
                raise
            time.sleep(SECONDS_BETWEEN)
