"""Tables that fit into a terminal: what is too wide goes below its row, or away. No word is cut."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from grading.protocol.text import one_line

GAP = 2  # spaces between columns, and before what stands below a row


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        cells: one for each row.
        is_number: numbers stand at the right.
        below: if the table is too wide, the cells go on lines of their own.
        dispensable: if it is still too wide, the column with the highest number is left out first, that with 0 never.
        styles: by cell, how rich shows it.
    """

    heading: str
    cells: Sequence[str]
    is_number: bool = False
    below: bool = False
    dispensable: int = 0
    styles: Sequence[str] = ()

    @property
    def width(self) -> int:
        return max(map(cell_len, (self.heading, *self.cells)))

    def cell(self, row: int) -> Text:
        """The cell of a row, at the width of the column."""
        text = Text(self.cells[row], self.styles[row] if self.styles else "")
        return self._padded(text)

    def head(self) -> Text:
        """The heading, at the width of the column."""
        return self._padded(Text(self.heading, "bold"))

    def _padded(self, text: Text) -> Text:
        space = " " * (self.width - text.cell_len)
        return Text.assemble(space, text) if self.is_number else Text.assemble(text, space)


def table_lines(columns: Sequence[Column], width: int) -> Iterator[Text]:
    """The lines of a table that is at most so wide, if that is possible without cutting a word.

    Args:
        columns: at least one; all with equally many cells.
    """
    columns = [_on_one_line(column) for column in columns]
    shown, below = list(columns), []
    while _width(shown) > width:
        too_much = next((column for column in shown if column.below), None)
        if too_much is not None:
            below.append(too_much)
        else:
            too_much = max(shown, key=lambda column: column.dispensable)
            if not too_much.dispensable:
                yield from _stacked(columns, width)
                return
        shown.remove(too_much)
    yield _joined([column.head() for column in shown])
    for row in range(len(columns[0].cells)):
        yield _joined([column.cell(row) for column in shown])
        for column in below:
            yield from _wrapped(column.cells[row], width)


def _stacked(columns: Sequence[Column], width: int) -> Iterator[Text]:
    """A row is its first cell on one line, and a line below it for each of the others."""
    first, *others = columns
    for row in range(len(first.cells)):
        yield from _wrapped(first.cells[row], width, "")
        for column in others:
            yield from _wrapped(f"{column.heading}: {column.cells[row]}", width)


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def _joined(cells: Sequence[Text]) -> Text:
    line = Text(" " * GAP).join(cells)
    line.rstrip()
    return line


def _wrapped(text: str, width: int, indent: str = " " * GAP) -> Iterator[Text]:
    wrapper = textwrap.TextWrapper(
        width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    yield from map(Text, wrapper.wrap(text))


def _on_one_line(column: Column) -> Column:
    cells = [one_line(cell) for cell in column.cells]
    return Column(column.heading, cells, column.is_number, column.below, column.dispensable, column.styles)
