"""marks.csv: what a person marks. Nothing that a person has written into it is lost."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from io import StringIO

from grading.assignment.assignment import Assignment
from grading.reporting.gradebook.cells import BOM, disarmed
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.marks_table import COLUMNS, Marks, Row
from grading.reporting.marks import DISCUSSION


def marks_csv(graded: Iterable[Graded], marks: Marks, assignment: Assignment) -> str:
    """The file's text: the rows of `marks` that a person has filled, and one for all else that there is to mark.

    All rows of one question come together, in the order of the assignment. Separators and byte order mark are those
    that the person's spreadsheet has written; with semicolons, it has decimal commas, too.
    """
    rows = {key: row for key, row in marks.rows.items() if row.filled}
    for one in graded:
        for thing in one.document.get("extra_data", {}).get("to_mark", ()):
            new = Row(one.hand_in.student, thing["item"], thing["kind"], thing["max_points"], about=thing["about"])
            rows[new.key] = merged(rows.get(new.key), new)
    items = [*(question.id for question in assignment.questions), *(c.id for c in assignment.configurations)]
    rank = {item: number for number, item in enumerate(dict.fromkeys(items))}
    text = StringIO()
    writer = csv.writer(text, delimiter=marks.separator, lineterminator="\n")
    writer.writerow(COLUMNS)
    decimal = "," if marks.separator == ";" else "."
    for row in sorted(rows.values(), key=lambda row: (row.kind, rank.get(row.item, len(rank)), row.student)):
        numbers = [shown(row.max_points, decimal), "" if row.points is None else shown(row.points, decimal)]
        student, comment, about = (disarmed(cell) for cell in (row.student, row.comment, row.about))
        writer.writerow([student, row.item, row.kind, *numbers, comment, about])
    return (BOM if marks.bom else "") + text.getvalue()


def shown(value: float, decimal: str) -> str:
    """A number with all its digits; ones without a needless zero."""
    return repr(float(value)).removesuffix(".0").replace(".", decimal)


def merged(old: Row | None, new: Row) -> Row:
    """The row for what there is to mark now.

    Args:
        old: what a person has filled in; its mark stays if it is about the same, or says nothing about it.
        new: an empty row.
    """
    if old is None:
        return new
    if old.points is None:
        return replace(new, comment=old.comment)
    if old.about in ("", new.about):
        return replace(new, points=old.points, comment=old.comment, about=old.about)
    what = "an earlier text" if old.kind == DISCUSSION else "an earlier verdict"
    was = f"was {old.points:g} for {what}"
    return replace(new, comment=f"{was}: {old.comment}" if old.comment else was)
