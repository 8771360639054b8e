"""Text lists of a data set, as programs of every kind write them."""

import re
from pathlib import Path

from grading.data.arrays import DataError

# The longer mark first: UTF-32's begins with UTF-16's.
MARKS = {
    b"\xff\xfe\x00\x00": "utf-32-le",
    b"\x00\x00\xfe\xff": "utf-32-be",
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060\x00\x1a"  # what may stand at the end of a line, besides white space


def read_list(path: Path) -> list[tuple[int, str]]:
    """The lines that hold something, each with its number from 1, without what nobody sees at their ends.

    UTF-8, UTF-16 and UTF-32 are told apart by their marks or their zeros; bytes of a name that is none of these are
    kept as Python keeps those of file names. A backslash becomes a slash: no name in such a list holds one.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise OSError("not a regular file")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); put the published list there") from error
    lines = re.split("\r\n|\n|\r", _decoded(data))
    numbered = [(number, _visible(line)) for number, line in enumerate(lines, start=1)]
    return [(number, line) for number, line in numbered if line]


def last_parts(name: str, count: int) -> str:
    """The last parts of a path in a list: what lies before them is another machine's."""
    return "/".join([part for part in name.split("/") if part][-count:])


def _decoded(data: bytes) -> str:
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            return data.removeprefix(mark).decode(encoding, errors="replace")
    # Without a mark: of two bytes of UTF-16 one is zero, for the letters of such lists.
    even, odd = data[:200:2].count(0), data[1:200:2].count(0)
    if max(even, odd) > len(data[:200]) // 4:
        return data.decode("utf-16-be" if even > odd else "utf-16-le", errors="replace")
    return data.decode("utf-8", errors="surrogateescape")


def _visible(line: str) -> str:
    ends = INVISIBLE + "".join(letter for letter in line if letter.isspace())
    return line.strip(ends).replace("\\", "/")
