"""Text for people: foreign text that is made fit to be shown and stored, durations, and numbers."""

import re

LETTERS = 2000  # kept of each text that a submission wrote

# Letters and marks that no font shows, though `str.isprintable` takes them for visible. Source: Unicode's
# DerivedCoreProperties.txt, Default_Ignorable_Code_Point.
INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
SPACES = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def cleaned(text: str, most: int = LETTERS) -> str:
    """Foreign text that is fit for every output: it is `printable`, its lines end in `\\n`, and it is cut to a length.

    Args:
        most: the most letters that remain, including escapes; an ellipsis is added to what is cut.
    """
    lines = text[: most + 1].replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    shown = printable(SPACES.sub(" ", lines))
    return shown if len(text) <= most and len(shown) <= most else f"{shown[:most]}..."


def printable(text: str) -> str:
    """The text with an escape in the place of each character that a terminal obeys, nobody sees, or no encoding holds.

    A byte of a file name that is not UTF-8 becomes an escape such as `\\xfc`. Ends of lines stay.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(letter if _is_visible(letter) else _escaped(letter) for letter in text)


def one_line(text: str) -> str:
    """The `printable` text with a space in the place of each end of a line."""
    return printable(" ".join(text.splitlines()))


def duration(seconds: float) -> str:
    """A duration in words, such as `5 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def number(value: float) -> str:
    """At most two decimals, and no needless zero: `2.5`, `0.33`, `-1`. Points are shown so everywhere."""
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def _is_visible(letter: str) -> bool:
    return letter == "\n" or (letter.isprintable() and not INVISIBLE.match(letter))


def _escaped(letter: str) -> str:
    # Python represents a byte of a file name that is not UTF-8 by one of these surrogates.
    byte = ord(letter) - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else letter.encode("unicode_escape").decode()
