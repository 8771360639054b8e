"""CSV that no spreadsheet executes."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO

from grading.protocol.text import number, printable

BOM = "\ufeff"  # byte order mark: by it, Excel takes a file for UTF-8

# A spreadsheet takes a cell that begins so for a formula; full-width signs count, too. With other settings than ours it
# may take `;`, a tab or an end of a line within a cell for the end of the cell. An apostrophe before such a beginning
# makes it a text.
FORMULA = re.compile(r"(^|[,;|\t\r\n])('*)(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])")
DISARMED = re.compile(r"(^|[,;|\t\r\n])'('*)(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])")


def csv_text(rows: Iterable[Sequence[str | float | None]]) -> str:
    """The text of a file: texts are disarmed, numbers have at most two decimals, None is an empty cell."""
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def disarmed(text: str) -> str:
    """The text with an apostrophe before each beginning of a formula."""
    return FORMULA.sub(r"\1'\2", text)


def armed(text: str) -> str:
    """The text that `disarmed` was given."""
    return DISARMED.sub(r"\1\2", text)


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    return disarmed(printable(value)) if isinstance(value, str) else number(value)
