"""canvas.csv: what Canvas's "Import Grades" reads."""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from grading.assignment.assignment import Assignment
from grading.protocol.text import number, one_line
from grading.reporting.gradebook.cells import BOM, csv_text
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.points import is_final, points_by_question, total

STUDENT, ID, SIS_ID, LOGIN, SECTION = "Student", "ID", "SIS User ID", "SIS Login ID", "Section"
POINTS_POSSIBLE = "    Points Possible"  # as Canvas writes it
# What a platform calls a student, by Canvas's column.
WORDS = {SIS_ID: ("sis_user_id", "sis_id", "sid"), LOGIN: ("sis_login_id", "login", "email", "username")}


class CanvasError(Exception):
    """Canvas's export cannot be filled in; one line for the instructor."""


@dataclass(frozen=True)
class CanvasFile:
    """canvas.csv.

    Attributes:
        text: begins with a byte order mark if the export does.
        unmatched: the students of the class who are in no row of the export, or in one that is not surely theirs.
    """

    text: str
    unmatched: tuple[str, ...] = ()


@dataclass(frozen=True)
class CanvasExport:
    """Canvas's own export, and the column to fill.

    Attributes:
        bom: whether the file begins with a byte order mark.
        column: the index of the column.
    """

    rows: tuple[tuple[str, ...], ...]
    column: int
    separator: str
    line_end: str
    bom: bool

    def index(self, name: str) -> int | None:
        """The index of a column; None if there is none of this name."""
        return self.rows[0].index(name) if name in self.rows[0] else None

    @property
    def decimal_comma(self) -> bool:
        """Whether its numbers have a decimal comma."""
        cells = [cell.strip() for row in self.rows[1:] for cell in row]
        return any(re.fullmatch(r"\d+,\d+", cell) for cell in cells)


def read_export(path: Path, column: str) -> CanvasExport:
    """Read Canvas's export.

    Args:
        column: the header of the assignment's column, such as `HW4 (12345)`.

    Raises:
        CanvasError: the file or the column cannot be used.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CanvasError(f"{path.name}: {one_line(str(error))}") from error
    bare = text.removeprefix(BOM)
    first_line = bare.partition("\n")[0]
    separator = ";" if first_line.count(";") > first_line.count(",") else ","
    try:
        rows = tuple(tuple(row) for row in csv.reader(StringIO(bare, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise CanvasError(f"{path.name}: {error}") from error
    if not rows or STUDENT not in rows[0] or ID not in rows[0]:
        raise CanvasError(f"{path.name}: its first line has no columns {STUDENT} and {ID}: is this Canvas's export?")
    if rows[0].count(column) != 1:
        candidates = [name for name in rows[0] if re.search(r"\(\d+\)$", name)]
        shown = one_line("; ".join(candidates)) or "none"
        raise CanvasError(f"{path.name}: no single column {column!r}; the columns of assignments: {shown}")
    line_end = "\r\n" if first_line.endswith("\r") else "\n"
    return CanvasExport(rows, rows[0].index(column), separator, line_end, text.startswith(BOM))


def canvas_csv(graded: Sequence[Graded], assignment: Assignment, column: str = "Homework") -> CanvasFile:
    """The file without an export, from what the platform calls the students. All students can be imported.

    Args:
        column: the header of the assignment's column.
    """
    possible = sum(question.points for question in assignment.questions if _is_graded(question.id, graded))
    rows: list[list[str | float | None]] = [
        [STUDENT, ID, SIS_ID, LOGIN, SECTION, column],
        [POINTS_POSSIBLE, "", "", "", "", possible],
    ]
    for one in graded:
        ids = [canvas_id(one), word(one, SIS_ID), word(one, LOGIN)]
        name = one.hand_in.ids.get("name") or one.hand_in.student
        rows.append([name, *ids, one.hand_in.ids.get("section", ""), _final_total(one)])
    return CanvasFile(csv_text(rows))


def filled_export(graded: Sequence[Graded], export: CanvasExport) -> CanvasFile:
    """The export with the totals in its column; all else stays as it was.

    A row keeps what it has if its student handed nothing in, or if the grader could not grade it to its end.
    """
    row_of = matches(graded, export)
    rows = [list(row) for row in export.rows]
    for one in graded:
        points = _final_total(one)
        if one.hand_in.student in row_of and points is not None:
            row = rows[row_of[one.hand_in.student]]
            row += [""] * (export.column + 1 - len(row))
            shown = number(points)
            row[export.column] = shown.replace(".", ",") if export.decimal_comma else shown
    text = StringIO()
    csv.writer(text, delimiter=export.separator, lineterminator=export.line_end).writerows(rows)
    unmatched = tuple(one.hand_in.student for one in graded if one.hand_in.student not in row_of)
    return CanvasFile((BOM if export.bom else "") + text.getvalue(), unmatched)


def _final_total(graded: Graded) -> float | None:
    """The points of a student; None as long as something is missing."""
    return total(graded.document) if is_final(graded.document) else None


def matches(graded: Sequence[Graded], export: CanvasExport) -> dict[str, int]:
    """The row of each student who is surely found, by student: by Canvas's id, else by login, SIS id or name.

    A key counts only if one student of the class and one row of the export have it.
    """
    id_column = export.index(ID)
    rows = {
        line: row
        for line, row in enumerate(export.rows)
        if line > 0 and id_column is not None and id_column < len(row) and row[id_column].strip()
    }
    row_of: dict[str, int] = {}
    for column, key_of in _keys():
        place = export.index(column)
        if place is None:
            continue
        cells = {line: row[place] for line, row in rows.items() if place < len(row)}
        normal = name_key if column == STUDENT else _exact
        for student, line in _pairs({one.hand_in.student: key_of(one) for one in graded}, cells, normal).items():
            if student not in row_of and line not in row_of.values():
                row_of[student] = line
    return row_of


def _keys() -> list[tuple[str, Callable[[Graded], str]]]:
    """The columns to look into, the surest first, and what a student has for it."""
    return [
        (ID, canvas_id),
        (LOGIN, lambda one: word(one, LOGIN)),
        (SIS_ID, lambda one: word(one, SIS_ID)),
        (STUDENT, lambda one: one.hand_in.ids.get("name") or one.hand_in.student),
    ]


def _pairs(students: dict[str, str], cells: dict[int, str], normal: Callable[[str], str]) -> dict[str, int]:
    """The students and rows that have a key which is nobody else's."""
    keys = {student: normal(key) for student, key in students.items()}
    places = {line: normal(cell) for line, cell in cells.items()}
    count_students, count_rows = Counter(keys.values()), Counter(places.values())
    row_by_key = {key: line for line, key in places.items()}
    return {
        student: row_by_key[key] for student, key in keys.items() if key and count_students[key] == count_rows[key] == 1
    }


def canvas_id(graded: Graded) -> str:
    """The id of a student in Canvas; empty if the export came from elsewhere."""
    ids = graded.hand_in.ids
    return ids.get("canvas_id") or (ids.get("id", "") if graded.hand_in.platform == "canvas" else "")


def word(graded: Graded, column: str) -> str:
    """What the platform says of a student for one of Canvas's columns; empty if nothing."""
    return next((graded.hand_in.ids[name] for name in WORDS[column] if graded.hand_in.ids.get(name)), "")


def name_key(name: str) -> str:
    """Equal for one name in any spelling: `Müller, Jan`, `jan_muller`."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    words = re.findall(r"[^\W_]+", "".join(letter for letter in letters if not unicodedata.combining(letter)))
    return " ".join(sorted(words))


def _exact(cell: str) -> str:
    return cell.strip().casefold()


def _is_graded(question: str, graded: Iterable[Graded]) -> bool:
    return any(question in points_by_question(one.document) for one in graded)
