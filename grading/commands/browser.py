"""Opening a report in the browser."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


def open_in_browser(page: Path) -> bool:
    """Open a file in the browser of this machine; returns whether that was tried.

    A browser of the terminal would take it over, and a graphical one may need seconds or say what nobody asked for: a
    process of its own opens the page, and nobody waits for it.
    """
    if not _has_display():
        return False
    opens = [sys.executable, "-m", "webbrowser", "-t", page.resolve().as_uri()]
    nowhere = subprocess.DEVNULL
    with suppress(OSError):
        subprocess.Popen(opens, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
        return True
    return False


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
