"""The exit status of a command, even if the grader itself breaks."""

import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec

from grading.protocol.text import one_line, printable
from grading.reporting.streams import guard_streams

PASSED, FAILED, BAD_USAGE, UNDECIDED, BROKEN = 0, 1, 2, 3, 4
Arguments = ParamSpec("Arguments")


def refuse(why: object) -> int:
    """Say in one line why a command does nothing, or nothing more; returns the exit status."""
    print(f"error: {one_line(str(why))}", file=sys.stderr)
    return BAD_USAGE


def as_command(main: Callable[Arguments, int]) -> Callable[Arguments, int]:
    """A command that returns what `main` returns, UNDECIDED after Ctrl-C, and BROKEN if anything is raised.

    Python itself would end with 1, which is a statement about the submission. Only the exits of argparse pass.
    """

    @wraps(main)
    def command(*args: Arguments.args, **kwargs: Arguments.kwargs) -> int:
        guard_streams()
        try:
            return main(*args, **kwargs)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return UNDECIDED
        except BaseException as error:
            if isinstance(error, SystemExit) and error.code in (PASSED, BAD_USAGE):
                raise
            # To print may fail too, for example if memory is short.
            with suppress(Exception):
                print(printable(traceback.format_exc()), file=sys.stderr)
            with suppress(Exception):
                print("error: the grader itself broke: this says nothing about the submission", file=sys.stderr)
            return BROKEN

    return command
