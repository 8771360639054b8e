"""Commands in a real terminal of a given width, as a person starts them."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def run_in_terminal(
    arguments: Sequence[str], columns: int, folder: Path, variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run Python with these arguments; returns the exit status, and what it wrote.

    Args:
        variables: of the environment, besides those of this process that say nothing about a terminal.
    """
    terminal = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "TERM", "CI"}
    inherited = {name: value for name, value in os.environ.items() if name not in terminal}
    grader, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**inherited, "TERM": "xterm-256color", **(variables or {})}
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=environment, stdin=inside, stdout=inside, stderr=inside
    )
    os.close(inside)
    written = b""
    while True:
        try:
            part = os.read(grader, 1 << 16)
        except OSError:  # on Linux, the end
            break
        if not part:
            break
        written += part
    os.close(grader)
    return process.wait(), written.decode().replace("\r\n", "\n")


def plain(text: str) -> str:
    """The text without colours and movements."""
    return ESCAPES.sub("", text)
