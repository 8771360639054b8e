"""Files that are there whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path


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
        os.replace(aside, path)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise
