"""Python's parser, used by one thread at a time.

CPython 3.11 counts the depth of all parsers together: of two at once, one may raise SystemError ("AST constructor
recursion depth mismatch", gh-106905). NumPy parses the header of each .npy file with it.
"""

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

Result = TypeVar("Result")

TRIES = 5  # libraries may parse at the same time, and they take no lock
_parsing = Lock()


def parse_alone(parse: Callable[[], Result]) -> Result:
    """Call what uses Python's parser, and again if another parser has disturbed it.

    Args:
        parse: may be called several times.
    """
    with _parsing:
        for _ in range(TRIES - 1):
            try:
                return parse()
            except SystemError:
                continue
        return parse()
