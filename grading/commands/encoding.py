"""One encoding of file names, whatever the locale says."""

import os
import sys


def use_utf8() -> None:
    """Start this command anew in Python's UTF-8 mode, if the locale has another encoding.

    In Latin-1 or ASCII, students and files would get other names than in the next run, and the tests run in processes
    that take names for UTF-8.
    """
    if sys.getfilesystemencoding().lower() not in ("utf-8", "utf8"):
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
