"""What was asked, in two parts: what should be true first, then the call that it is about.

The tests say `f"{call}: {expectation}"` or `f"{call} = {value}"`. A call can be long, and what is asked must not hide
behind it.
"""

import re
import textwrap

MOST_LINES = 6  # of an expectation
CALL_LINES = 2
OPENING, CLOSING, QUOTES = "([{", ")]}", "'\""


def split(asked: str) -> tuple[str, str]:
    """The expectation, and the call that it is about; no call if nothing separates the two."""
    depth, quote = 0, ""
    for place, letter in enumerate(asked):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in OPENING:
            depth += 1
        elif letter in CLOSING:
            depth -= 1
        elif depth and letter in QUOTES and not asked[place - 1].isalnum():
            quote = letter
        elif not depth and (between := re.match(r": | = ", asked[place:])):
            return asked[place + between.end() :], asked[:place]
    return asked, ""


def wrapped(expectation: str, width: int) -> list[str]:
    """The lines of an expectation on a screen; only the end of a very long one is left out."""
    lines = []
    for line in expectation.splitlines():
        lines += [line] if len(line) <= width else textwrap.wrap(line, width)  # the rows of an array stay aligned
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "..."]


def shortened(call: str, width: int) -> list[str]:
    """The lines of a call on a screen: the middle of its arrays is left out if there is no room, then its end."""
    call = " ".join(call.split())
    arrays = sorted(_arrays(call), key=len, reverse=True)
    for array in arrays:
        if len(call) <= width * CALL_LINES - 10:  # lines break at words
            break
        call = call.replace(array, f"{array[:14]} ... {array[-8:]}", 1) if len(array) > 30 else call
    return textwrap.wrap(call, width, max_lines=CALL_LINES, placeholder=" ...")


def _arrays(text: str) -> list[str]:
    """The outermost lists and dicts in a text."""
    found, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        if letter in "[{":
            depth, start = depth + 1, start if depth else place
        elif letter in "]}" and depth:
            depth -= 1
            if not depth:
                found.append(text[start : place + 1])
    return found
