"""How a command ends: an exit status in every case, also if the grader itself breaks."""

import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec

from grading.protocol.text import printable
from grading.reporting.streams import guard_streams

PASSED, FAILED, BAD_USAGE, UNDECIDED, BROKEN = 0, 1, 2, 3, 4
Arguments = ParamSpec("Arguments")


def as_command(main: Callable[Arguments, int]) -> Callable[Arguments, int]:
    """A command that ends with what `main` returns, with UNDECIDED on Ctrl-C, and with BROKEN if anything is raised.

    Python itself would end with 1, which is said of a submission. Only what ends argparse passes.
    """

    @wraps(main)
    def ended(*args: Arguments.args, **kwargs: Arguments.kwargs) -> int:
        guard_streams()
        try:
            return main(*args, **kwargs)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return UNDECIDED
        except BaseException as error:
            if isinstance(error, SystemExit) and error.code in (PASSED, BAD_USAGE):
                raise
            # Where memory is short, to say it may fail too.
            with suppress(Exception):
                print(printable(traceback.format_exc()), file=sys.stderr)
            with suppress(Exception):
                print("error: the grader itself broke: this says nothing about the submission", file=sys.stderr)
            return BROKEN

    return ended
