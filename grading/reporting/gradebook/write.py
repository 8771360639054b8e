"""The files of a gradebook, each of which is written whole or not at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from grading.assignment.assignment import Assignment
from grading.assignment.files import write_whole
from grading.protocol.text import one_line
from grading.reporting.gradebook.canvas_csv import CanvasExport, canvas_csv, filled_export
from grading.reporting.gradebook.changes_csv import changes, changes_csv
from grading.reporting.gradebook.class_html import class_html
from grading.reporting.gradebook.gradebook_csv import gradebook_csv
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.marks_csv import marks_csv
from grading.reporting.gradebook.marks_table import Marks, MarksError, read_marks
from grading.reporting.gradebook.points import Document
from grading.reporting.marks import DISCUSSION

MARKS = "marks.csv"


def write_class(
    out: Path,
    graded: Sequence[Graded],
    assignment: Assignment,
    before: Mapping[str, Document] | None = None,
    export: CanvasExport | None = None,
    column: str = "Homework",
) -> list[str]:
    """Write gradebook.csv, canvas.csv, marks.csv, changes.csv and class.html.

    marks.csv is read before it is written anew: a person may have filled rows since the grading began. If it cannot be
    read, it stays as it is.

    Args:
        out: the folder of the gradebook.
        before: the results.json of the last grading, by student.
        export: Canvas's own export; None to make the file from what the platform calls the students.
        column: without an export, the header of the assignment's column.

    Returns:
        What the instructor should know: students whom the export does not have, and problems of marks.csv.
    """
    out.mkdir(parents=True, exist_ok=True)
    canvas = canvas_csv(graded, assignment, column) if export is None else filled_export(graded, export)
    old = before or {}
    changed = [c for one in graded for c in changes(one.hand_in.student, old.get(one.hand_in.student), one.document)]
    write_whole(out / "gradebook.csv", gradebook_csv(graded, assignment))
    write_whole(out / "canvas.csv", canvas.text)
    write_whole(out / "changes.csv", changes_csv(changed))
    write_whole(out / "class.html", class_html(graded, assignment))
    unmatched = [f"canvas.csv: {one_line(student)} is in no row of the export" for student in canvas.unmatched]
    return unmatched + _write_marks(out / MARKS, graded, assignment)


def _write_marks(path: Path, graded: Sequence[Graded], assignment: Assignment) -> list[str]:
    """Write marks.csv if it changes; returns what the instructor should know."""
    found = _content(path)
    try:
        marks = read_marks(path, assignment, [one.hand_in.student for one in graded])
    except (MarksError, OSError) as error:
        return [*str(error).splitlines(), f"{path.name} was left as it is"]
    text = marks_csv(graded, marks, assignment)
    if _content(path) != found:
        return _write_marks(path, graded, assignment)  # a person has saved it meanwhile
    if text.encode(errors="backslashreplace") != found:
        write_whole(path, text)
    return [*marks.notes, *_outdated(path.name, graded, marks), *_without_effect(path.name, graded, marks)]


def _outdated(file: str, graded: Sequence[Graded], marks: Marks) -> list[str]:
    """A line for each mark that was given for something else than what there is to mark now."""
    lines = []
    for one in graded:
        for thing in one.document["extra_data"].get("to_mark", ()):
            row = marks.rows.get((one.hand_in.student, thing["item"]))
            if row is not None and row.points is not None and row.about not in ("", thing["about"]):
                what = "text" if row.kind == DISCUSSION else "verdict"
                mark = f"{one_line(row.student)}'s mark for {row.item} ({row.points:g})"
                lines.append(f"{file}: {mark} was for an earlier {what} and does not count: set it again")
    return lines


def _without_effect(file: str, graded: Sequence[Graded], marks: Marks) -> list[str]:
    """A line for each mark of a student of the class that this run has no use for."""
    counting = {(one.hand_in.student, item) for one in graded for item in one.document["extra_data"].get("marks", ())}
    to_mark = {
        (one.hand_in.student, thing["item"])
        for one in graded
        for thing in one.document["extra_data"].get("to_mark", ())
    }
    students = {one.hand_in.student for one in graded}
    return [
        f"{file}: {one_line(row.student)}'s mark for {row.item} does not count now: this run does not grade it"
        for row in marks.rows.values()
        if row.points is not None and row.student in students and row.key not in counting | to_mark
    ]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
