"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def table_of(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a line for each row; a bar in a cell becomes a slash."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)
