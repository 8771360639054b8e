"""What a benchmark found: tables that a person reads, in Markdown, and the same as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.timing import Seconds

Cell = str | int | float | Seconds
WIDTH = 10_000  # no table is wider


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        rows: as many cells each as there are columns.
        notes: sentences below it.
        failed: whether a part of the benchmark did not do what it should.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    notes: tuple[str, ...] = ()
    failed: bool = False


def show(tables: Sequence[Table], machine: Mapping[str, str]) -> None:
    """Print tables, and the machine that they are of."""
    print(", ".join(f"{name}: {what}" for name, what in machine.items()))
    for table in tables:
        print(f"\n{table.title}\n\n{_drawn(table)}")
        if table.notes:
            print("\n" + "\n".join(table.notes))


def write_json(file: Path, name: str, tables: Sequence[Table], machine: Mapping[str, str]) -> None:
    """Write tables to a file: a row is an object by column; times are medians with quartiles and all runs."""
    content = {
        "benchmark": name,
        "machine": dict(machine),
        "tables": [
            {
                "title": table.title,
                "rows": [
                    {column: _plain(cell) for column, cell in zip(table.columns, row, strict=True)}
                    for row in table.rows
                ],
                "notes": list(table.notes),
            }
            for table in tables
        ],
    }
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _drawn(table: Table) -> str:
    """In Markdown, a line for each row however long it is."""
    drawn = RichTable(box=box.MARKDOWN)
    for number, column in enumerate(table.columns):
        is_text = all(isinstance(row[number], str) for row in table.rows)
        drawn.add_column(column, justify="left" if is_text else "right")
    for row in table.rows:
        drawn.add_row(*map(_text, row))
    console = Console(width=WIDTH, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(drawn)
    lines = (line.strip() for line in captured.get().splitlines())
    return "\n".join(filter(None, lines))


def _text(cell: Cell) -> str:
    if isinstance(cell, Seconds):
        unit, factor = ("s", 1.0) if cell.median >= 1 else ("ms", 1000.0)
        middle, low, high = (_rounded(factor * value) for value in (cell.median, *cell.quartiles))
        return f"{middle} {unit} ({low} to {high})"
    return _rounded(cell) if isinstance(cell, float) else str(cell)


def _rounded(number: float) -> str:
    """Three digits, and those before the point."""
    decimals = 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
    return f"{number:.{decimals}f}"


def _plain(cell: Cell) -> Any:
    if isinstance(cell, Seconds):
        return {"median": cell.median, "quartiles": list(cell.quartiles), "runs": list(cell.runs)}
    return cell
