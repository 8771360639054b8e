"""canvas.csv: Canvas's own export with one column filled, or a file made from what the platform says."""

import csv
from io import StringIO
from pathlib import Path

import pytest

from grading.reporting.fault import GRADER, Fault, fault_document
from grading.reporting.gradebook.canvas_csv import (
    CanvasError,
    CanvasExport,
    canvas_csv,
    filled_export,
    name_key,
    read_export,
)
from grading.reporting.gradebook.graded import Graded
from grading.tests.gradebook_documents import ASSIGNMENT, document, graded

COLUMN = "HW4 (12345)"
EXPORT = """\
Student,ID,SIS User ID,SIS Login ID,Section,HW3 (111),HW4 (12345),Final Score
    Points Possible,,,,,10,100,(read only)
"Doe, Jane",4711,s1,jane@x.org,A,9,,88.5
"Müller, Jan",4712,s2,jan@x.org,A,8,50,70
"Roe, Sam",4713,s3,sam@x.org,B,,11,
"Student, Test",4714,,abc,A,,,
"""


def export(tmp_path: Path, text: str = EXPORT, encoding: str = "utf-8", column: str = COLUMN) -> CanvasExport:
    path = tmp_path / "export.csv"
    path.write_bytes(text.encode(encoding))
    return read_export(path, column)


def table(text: str, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator))


def canvas_student(name: str, id: str) -> Graded:
    return graded(name, document(), platform="canvas", ids={"id": id})


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_only_the_column_changes(tmp_path: Path, encoding: str, line_end: str) -> None:
    read = export(tmp_path, EXPORT.replace("\n", line_end), encoding)
    filled = filled_export([canvas_student("doejane", "4711")], read)
    expected = EXPORT.replace("jane@x.org,A,9,,", "jane@x.org,A,9,15,").replace("\n", line_end)
    assert filled.text == ("\ufeff" if encoding == "utf-8-sig" else "") + expected
    assert filled.unmatched == ()


def test_semicolons_and_decimal_commas_stay(tmp_path: Path) -> None:
    text = EXPORT.replace(", ", "|").replace(",", ";").replace("|", ", ").replace("88.5", "88,5")
    failed = document({"Q2-3-merged": "FAIL"})
    filled = filled_export([graded("x", failed, platform="canvas", ids={"id": "4711"})], export(tmp_path, text))
    assert table(filled.text, ";")[2][5:] == ["9", "12,5", "88,5"]


@pytest.mark.parametrize(
    ("student", "row"),
    [
        (canvas_student("whoever", "4713"), 4),
        (graded("whoever", document(), ids={"login": "SAM@x.org"}), 4),
        (graded("whoever", document(), platform="gradescope", ids={"email": "sam@x.org", "sid": "s3"}), 4),
        (graded("whoever", document(), ids={"sid": "s2"}), 3),
        (graded("Sam Roe", document()), 4),
        (graded("jan_muller", document()), 3),
        (graded("x", document(), ids={"name": "Jane Doe"}), 2),
    ],
)
def test_students_are_found(tmp_path: Path, student: Graded, row: int) -> None:
    filled = filled_export([student], export(tmp_path))
    assert [number for number, cells in enumerate(table(filled.text)) if cells[6] == "15"] == [row]
    assert filled.unmatched == ()


@pytest.mark.parametrize("name", ["Points Possible", "Student", "Somebody Else", ""])
def test_who_is_not_found_is_told(tmp_path: Path, name: str) -> None:
    filled = filled_export([graded(name, document())], export(tmp_path))
    assert filled.unmatched == (name,)
    assert filled.text == EXPORT


def test_the_id_of_another_platform_is_not_canvas_s(tmp_path: Path) -> None:
    other = graded("whoever", document(), platform="gradescope", ids={"id": "4711"})
    assert filled_export([other], export(tmp_path)).unmatched == ("whoever",)


def test_a_name_that_two_have_matches_nobody(tmp_path: Path) -> None:
    two_rows = export(tmp_path, EXPORT + '"Roe, Sam",4715,s5,sam2@x.org,B,,,\n')
    assert filled_export([graded("Sam Roe", document())], two_rows).unmatched == ("Sam Roe",)
    two_students = [graded("Sam Roe", document()), graded("sam.roe", document())]
    assert filled_export(two_students, export(tmp_path)).unmatched == ("Sam Roe", "sam.roe")


def test_a_row_belongs_to_the_surest_match(tmp_path: Path) -> None:
    by_name, by_id = graded("Jane Doe", document({"Q1-1": "FAIL"})), canvas_student("doejane", "4711")
    filled = filled_export([by_name, by_id], export(tmp_path))
    assert filled.unmatched == ("Jane Doe",)
    assert table(filled.text)[2][6] == "15"


def test_who_was_not_graded_keeps_what_was_there(tmp_path: Path) -> None:
    fault = fault_document(Fault("s", "mini", "disk full", GRADER, ASSIGNMENT, ASSIGNMENT.configurations))
    broken = graded("Jan Müller", fault, fault="disk full")
    assert filled_export([broken], export(tmp_path)).text == EXPORT


@pytest.mark.parametrize(
    ("text", "column", "told"),
    [
        (EXPORT, "HW4", "the columns of assignments: HW3 (111); HW4 (12345)"),
        (EXPORT.replace("HW3 (111)", COLUMN), COLUMN, "no single column"),
        ("name,points\n", COLUMN, "is this Canvas's export?"),
        ("", COLUMN, "is this Canvas's export?"),
        (EXPORT + '"x', COLUMN, "unexpected end of data"),
    ],
)
def test_an_export_that_cannot_be_used_is_told(tmp_path: Path, text: str, column: str, told: str) -> None:
    with pytest.raises(CanvasError) as refused:
        export(tmp_path, text, column=column)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_another_encoding_or_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CanvasError):
        export(tmp_path, EXPORT, "latin-1")
    with pytest.raises(CanvasError):
        read_export(tmp_path / "none.csv", COLUMN)


def test_a_file_without_an_export() -> None:
    class_ = [
        canvas_student("doejane", "4711"),
        graded("=roe", document(), ids={"sid": "s3", "email": "sam@x.org", "name": "Roe, Sam"}),
        graded("@x", document()),
    ]
    assert canvas_csv(class_, ASSIGNMENT, COLUMN).text == (
        "Student,ID,SIS User ID,SIS Login ID,Section,HW4 (12345)\n"
        "    Points Possible,,,,,15\n"
        "doejane,4711,,,,15\n"
        '"Roe, Sam",,s3,sam@x.org,,15\n'
        "'@x,,,,,15\n"
    )


@pytest.mark.parametrize("name", ["Müller, Jan", "jan_muller", "JAN MÜLLER", "Jan  Mu\u0308ller"])
def test_one_name_in_many_spellings(name: str) -> None:
    assert name_key(name) == "jan muller"
