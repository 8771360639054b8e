"""Text for people: what was written elsewhere made fit to be shown and stored, and times."""


def printable(text: str) -> str:
    """The text with an escape for each character that a terminal would obey, nobody sees, or no encoding holds.

    A byte of a file name that is no UTF-8 becomes `\\xfc`. Ends of lines stay.
    """
    return "".join(letter if letter.isprintable() or letter == "\n" else _escaped(letter) for letter in text)


def one_line(text: str) -> str:
    """`printable`, with a space for each end of a line."""
    return printable(" ".join(text.splitlines()))


def duration(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _escaped(letter: str) -> str:
    # Python reads such a byte of a file name as one of these surrogates.
    byte = ord(letter) - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else letter.encode("unicode_escape").decode()
