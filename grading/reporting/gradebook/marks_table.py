"""marks.csv as a person has left it: read, or told line by line."""

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from grading.assignment.assignment import Assignment
from grading.protocol.text import one_line
from grading.reporting.gradebook.cells import armed
from grading.reporting.marks import DISCUSSION, REVIEW, Mark

COLUMNS = ("student", "item", "kind", "max_points", "points", "comment", "about")
SEPARATORS = ",;\t"  # those that spreadsheets write
UTF16 = (b"\xff\xfe", b"\xfe\xff")
BOMS = (b"\xef\xbb\xbf", *UTF16)
NUMBER = re.compile(r"[+-]?(\d{1,6}([.,]\d*)?|[.,]\d+)", re.ASCII)
LONGEST_CELL = 10_000_000  # letters; the csv module itself stops at 131,072


class MarksError(Exception):
    """marks.csv holds what cannot be read; a line for each problem."""


@dataclass(frozen=True)
class Row:
    """One row of marks.csv.

    Attributes:
        points: None if the person has not filled it in.
    """

    student: str
    item: str
    kind: str
    max_points: float
    points: float | None = None
    comment: str = ""
    about: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.student, self.item

    @property
    def filled(self) -> bool:
        """Whether there is anything of a person in it."""
        return self.points is not None or self.comment != ""


@dataclass(frozen=True)
class Marks:
    """The rows of marks.csv.

    Attributes:
        rows: by student and item, in the order of the file.
        notes: what is probably a slip but loses nothing, such as a student whom nobody knows.
        separator, bom: how the person's spreadsheet writes the file, so that it can be written in the same way.
    """

    rows: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    separator: str = ","
    bom: bool = False

    def of(self, student: str) -> dict[str, Mark]:
        """A student's marks, by item: see `grading.reporting.marks.marked`."""
        return {
            row.item: Mark(row.points, row.comment, row.about)
            for row in self.rows.values()
            if row.student == student and row.points is not None
        }


def read_marks(path: Path, assignment: Assignment, students: Collection[str] | None = None) -> Marks:
    """Read marks.csv; a file that is missing has no rows.

    Commas, semicolons and tabs separate; UTF-8 and UTF-16, with Excel's byte order mark; decimal commas.

    Args:
        students: those of the class; None if they are not known.

    Raises:
        MarksError: with all problems of the file.
        OSError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Marks()
    reader = _Reader(path.name, assignment, students or ())
    rows = reader.rows(content)
    if reader.problems:
        raise MarksError("\n".join(reader.problems))
    notes = tuple(
        f"{path.name}, line {line}: nobody of this class is called {one_line(row.student)!r}; the row is kept"
        for line, row in rows.items()
        if students is not None and row.student not in students
    )
    return Marks({row.key: row for row in rows.values()}, notes, reader.separator, content.startswith(BOMS))


def without_zeros(students: Collection[str]) -> dict[str, str]:
    """The students by their names without leading zeros, which spreadsheets drop, if that is one student's alone."""
    short = Counter(name.lstrip("0") for name in students)
    return {name.lstrip("0"): name for name in students if short[name.lstrip("0")] == 1}


def as_number(cell: str) -> float | None:
    """A number with a decimal point or comma; None if the cell holds none."""
    return float(cell.strip().replace(",", ".")) if NUMBER.fullmatch(cell.strip()) else None


class _Reader:
    """Collects the problems of a file while it reads it.

    Attributes:
        separator: of the cells.
    """

    def __init__(self, name: str, assignment: Assignment, students: Collection[str]) -> None:
        self.problems: list[str] = []
        self.separator = ","
        self._name = name
        self._students = students
        self._without_zeros = without_zeros(students)
        discussions = {question.id: question for question in assignment.questions if question.discussion}
        self._most = {id: (DISCUSSION, question.points) for id, question in discussions.items()} | {
            c.id: (REVIEW, assignment.possible_points(c)) for c in assignment.configurations
        }

    def rows(self, content: bytes) -> dict[int, Row]:
        """The rows that can be read, by line."""
        rows: dict[int, Row] = {}
        lines: dict[tuple[str, str], int] = {}
        for line, cells in self._cells(self._text(content)):
            row = self._row(line, cells)
            if row is None:
                continue
            if row.key in lines:
                self._tell(line, f"{row.student!r} and {row.item} are in line {lines[row.key]} already")
            lines.setdefault(row.key, line)
            rows[line] = row
        return rows

    def _text(self, content: bytes) -> str:
        encoding = "utf-16" if content.startswith(UTF16) else "utf-8-sig"
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self._tell(line, 'this is not UTF-8: save the file as "CSV UTF-8"')
            return ""

    def _cells(self, text: str) -> Iterator[tuple[int, dict[str, str]]]:
        """The rows that are not blank, by column, with the line on which each begins."""
        if not text.strip():
            if not self.problems:
                self._tell(1, f"the columns are missing: {', '.join(COLUMNS)}")
            return
        header_line = text.strip().splitlines()[0]
        self.separator = max(SEPARATORS, key=header_line.count)
        csv.field_size_limit(LONGEST_CELL)
        lines = csv.reader(StringIO(text, newline=""), delimiter=self.separator, strict=True)
        header: list[str] = []
        begin = 1
        try:
            for cells in lines:
                line, begin = begin, lines.line_num + 1
                if not any(cell.strip() for cell in cells):
                    continue
                if not header:
                    header = [cell.strip() for cell in cells]
                    if sorted(header) != sorted(COLUMNS):
                        self._tell(line, f"the columns are {one_line(', '.join(header))}, not {', '.join(COLUMNS)}")
                        return
                elif len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
                    self._tell(line, f"{len(cells)} cells in place of {len(header)}")
                else:
                    cells += [""] * (len(header) - len(cells))
                    yield line, {name: armed(cell) for name, cell in zip(header, cells, strict=False)}
        except csv.Error as error:
            self._tell(begin, f"this is no CSV: {error}")

    def _row(self, line: int, cells: Mapping[str, str]) -> Row | None:
        """The row; None if it has a problem."""
        before = len(self.problems)
        student, item = cells["student"], cells["item"].strip()
        if student and student not in self._students:
            student = self._without_zeros.get(student, student)
        if not student:
            self._tell(line, "the student is missing")
        if item not in self._most:
            self._tell(line, f"there is no discussion or configuration {one_line(item)!r}")
            return None
        kind, most = self._most[item]
        if cells["kind"].strip() not in ("", kind):
            self._tell(line, f"{item} is a {kind}, not {one_line(cells['kind'])!r}")
        points = as_number(cells["points"])
        if points is None and cells["points"].strip():
            self._tell(line, f"points {one_line(cells['points'])!r} are not a number")
        elif points is not None and points < 0:
            self._tell(line, f"points {points:g} are below 0")
        elif points is not None and points > most:
            self._tell(line, f"points {points:g} of at most {most:g}")
        if len(self.problems) > before:
            return None
        comment = cells["comment"].replace("\r\n", "\n").replace("\r", "\n")
        return Row(student, item, kind, most, points, comment, cells["about"].strip())

    def _tell(self, line: int, problem: str) -> None:
        self.problems.append(f"{self._name}, line {line}: {problem}")
