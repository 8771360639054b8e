"""marks.csv: what a person writes is read or told, line by line, and never lost."""

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.protocol.text import printable
from grading.reporting.gradebook.cells import BOM, armed
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.marks_csv import marks_csv
from grading.reporting.gradebook.marks_table import COLUMNS, Marks, MarksError, Row, read_marks
from grading.reporting.gradebook.write import write_class
from grading.reporting.marks import DISCUSSION, REVIEW, Mark, checksum
from grading.tests.gradebook_documents import ASSIGNMENT, document, graded, most

HEADER = ",".join(COLUMNS)
ITEMS = {q.id: DISCUSSION for q in ASSIGNMENT.questions if q.discussion} | {
    c.id: REVIEW for c in ASSIGNMENT.configurations
}


def read(tmp_path: Path, content: str | bytes, students: list[str] | None = None) -> Marks:
    path = tmp_path / "marks.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_marks(path, ASSIGNMENT, students)


def problems(tmp_path: Path, content: str | bytes) -> list[str]:
    with pytest.raises(MarksError) as told:
        read(tmp_path, content)
    return str(told.value).splitlines()


def by_key(text: str) -> dict[tuple[str, str], dict[str, str]]:
    rows = list(csv.DictReader(StringIO(text.removeprefix(BOM), newline="")))
    found = {(armed(row["student"]), row["item"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def class_with(text: str = "Yes.", **more: str) -> list[Graded]:
    return [graded("mia", document({"Q1-1": "REVIEW"}, texts={"Q1-4": text, **more}))]


def test_a_row_for_each_text_and_each_review() -> None:
    class_ = [*class_with(), graded("ben", document({"Q1-8": "REVIEW"}, texts={"Q1-4": "No."}))]
    assert marks_csv(class_, Marks(), ASSIGNMENT) == (
        f"{HEADER}\n"
        f"ben,Q1-4,discussion,10,,,{checksum('No.')}\n"
        f"mia,Q1-4,discussion,10,,,{checksum('Yes.')}\n"
        f"mia,Q1-1,review,2.5,,,{checksum('0.93 in the mean of 2 seeds')}\n"
        f"ben,Q1-8,review,10,,,{checksum('0.93 in the mean of 2 seeds')}\n"
    )


def test_a_row_of_a_time_when_a_question_had_other_points(tmp_path: Path) -> None:
    marks = read(tmp_path, f"{HEADER}\nmia,Q1-7,discussion,10,,,\nben,Q1-7,discussion,10,4,,\n")
    rows = by_key(marks_csv(class_with(), marks, ASSIGNMENT))
    assert rows["ben", "Q1-7"]["points"] == "4"
    assert rows["ben", "Q1-7"]["max_points"] == "5"


def test_a_missing_file_has_no_rows(tmp_path: Path) -> None:
    assert read_marks(tmp_path / "marks.csv", ASSIGNMENT) == Marks()


def test_marks_of_a_student(tmp_path: Path) -> None:
    marks = read(tmp_path, f"{HEADER}\nmia,Q1-4,discussion,10,4,good,abc\nmia,Q1-7,discussion,5,,later,\n")
    assert marks.of("mia") == {"Q1-4": Mark(4.0, "good", "abc")}
    assert marks.of("ben") == {}


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("separator", "points"), [(",", "2.5"), (",", '"2,5"'), (";", "2,5"), (";", "2.50"), ("\t", "2,5")]
)
def test_what_spreadsheets_write(tmp_path: Path, separator: str, points: str, line_end: str, bom: bytes) -> None:
    lines = [COLUMNS, ("mia", "Q1-4", "discussion", "10", points, '"a ""b"""', "abc"), ("",) * 7]
    content = "".join(separator.join(line) + line_end for line in lines)
    marks = read(tmp_path, bom + content.encode())
    assert marks.of("mia") == {"Q1-4": Mark(2.5, 'a "b"', "abc")}
    again = read(tmp_path, marks_csv([], marks, ASSIGNMENT))
    assert again.of("mia") == marks.of("mia")
    assert (again.separator, again.bom) == (separator, bool(bom))


def test_utf_16_is_read(tmp_path: Path) -> None:
    content = f"{HEADER}\nmüller,Q1-4,discussion,10,3,gut,\n".replace(",", "\t").encode("utf-16")
    assert read(tmp_path, content).of("müller") == {"Q1-4": Mark(3.0, "gut", "")}


def test_columns_may_be_in_any_order_and_line_end_early(tmp_path: Path) -> None:
    content = "points,student,item,comment,about,kind,max_points\n3,mia,Q1-4\n"
    assert read(tmp_path, content).of("mia") == {"Q1-4": Mark(3.0)}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("mia,Q1-7,discussion,5,12,,", "points 12 of at most 5"),
        ("mia,Q1-7,,,12,,", "points 12 of at most 5"),
        ("mia,Q1-7,discussion,5,-1,,", "points -1 are below 0"),
        ("mia,Q1-7,discussion,5,NaN,,", "points 'NaN' are not a number"),
        ("mia,Q1-7,discussion,5,inf,,", "points 'inf' are not a number"),
        ("mia,Q1-7,discussion,5,1_0,,", "points '1_0' are not a number"),
        ("mia,Q1-7,discussion,5,four,,", "points 'four' are not a number"),
        ("mia,Q1-7,discussion,5,1e3,,", "points '1e3' are not a number"),
        ("mia,Q9-9,discussion,5,1,,", "there is no discussion or configuration 'Q9-9'"),
        ("mia,Q2-1,review,5,1,,", "there is no discussion or configuration 'Q2-1'"),
        ("mia,Q1-7,review,5,1,,", "Q1-7 is a discussion, not 'review'"),
        ("mia,Q1-7,discussion,10,7,,", "points 7 of at most 5"),
        (",Q1-7,discussion,5,1,,", "the student is missing"),
        ("mia,Q1-7,discussion,5,1,,,more", "8 cells in place of 7"),
        ("mia,Q1-4,discussion,10,1,,", "'mia' and Q1-4 are in line 2 already"),
    ],
)
def test_a_bad_value_is_told_with_its_line(tmp_path: Path, row: str, told: str) -> None:
    assert problems(tmp_path, f'{HEADER}\nmia,Q1-4,discussion,10,4,"two\nlines",\n{row}\n') == [
        f"marks.csv, line 4: {told}"
    ]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    told = problems(tmp_path, f"{HEADER}\nmia,Q1-4,,,11,,\nmia,Q1-4,,,x,,\n\nmia,Q9-9,,,x,,\n")
    assert [line.partition(":")[0] for line in told] == [f"marks.csv, line {line}" for line in (2, 3, 5)]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", 1),
        (b"student,points\nmia,4\n", 1),
        (HEADER.encode() + b",mine\n", 1),
        (f"{HEADER}\nmia,Q1-4,,,3,gr\xfc\xdf,\n".encode("latin-1"), 2),
        (f'{HEADER}\nmia,Q1-4,,,3,"open,\n'.encode(), 2),
        (b"PK\x03\x04 a workbook", 1),
    ],
)
def test_a_file_of_another_form_is_told(tmp_path: Path, content: bytes, line: int) -> None:
    (told,) = problems(tmp_path, content)
    assert told.startswith(f"marks.csv, line {line}: ")


def test_a_stranger_s_row_is_told_and_kept(tmp_path: Path) -> None:
    marks = read(tmp_path, f"{HEADER}\nmia,Q1-4,,,4,,\nben,Q1-4,,,3,,\n", ["mia"])
    assert marks.notes == ("marks.csv, line 3: nobody of this class is called 'ben'; the row is kept",)
    assert by_key(marks_csv(class_with(), marks, ASSIGNMENT))["ben", "Q1-4"]["points"] == "3"


def test_a_spreadsheet_may_drop_leading_zeros(tmp_path: Path) -> None:
    content = f"{HEADER}\n7,Q1-4,,,4,,\n"
    assert read(tmp_path, content, ["007", "8"]).of("007") == {"Q1-4": Mark(4.0)}
    ambiguous = read(tmp_path, content, ["007", "07"])
    assert ambiguous.of("007") == ambiguous.of("07") == {}
    assert len(ambiguous.notes) == 1


def test_a_checksum_is_no_number_for_a_spreadsheet() -> None:
    sums = [checksum(str(number)) for number in range(500)]
    assert all(len(one) == 8 and one.isalpha() and not set(one) & set("aeiou") for one in sums)
    assert len(set(sums)) == len(sums)


def test_a_filled_row_stays(tmp_path: Path) -> None:
    text = marks_csv(class_with(), Marks(), ASSIGNMENT)
    filled = read(tmp_path, text.replace("Q1-4,discussion,10,,,", "Q1-4,discussion,10,4,=good,"))
    again = marks_csv(class_with(), filled, ASSIGNMENT)
    assert by_key(again)["mia", "Q1-4"] | {"points": "4", "comment": "'=good"} == by_key(again)["mia", "Q1-4"]
    assert read(tmp_path, again).rows == filled.rows


def test_a_mark_for_another_text_is_not_kept_as_one(tmp_path: Path) -> None:
    text = marks_csv(class_with(), Marks(), ASSIGNMENT)
    filled = read(tmp_path, text.replace("discussion,10,,,", "discussion,10,4,good,").replace("2.5,,,", "2.5,1.5,,"))
    class_ = [graded("mia", document({"Q1-1": "REVIEW"}, texts={"Q1-4": "New."}, reason="0.91"))]
    rows = by_key(marks_csv(class_, filled, ASSIGNMENT))
    assert [rows["mia", item]["points"] for item in ("Q1-4", "Q1-1")] == ["", ""]
    assert rows["mia", "Q1-4"]["comment"] == "was 4 for an earlier text: good"
    assert rows["mia", "Q1-1"]["comment"] == "was 1.5 for an earlier verdict"
    assert rows["mia", "Q1-4"]["about"] == checksum("New.")
    third = [graded("mia", document(texts={"Q1-4": "Newer."}))]
    again = by_key(marks_csv(third, read(tmp_path, marks_csv(class_, filled, ASSIGNMENT)), ASSIGNMENT))
    assert again["mia", "Q1-4"]["comment"] == "was 4 for an earlier text: good"


def test_a_mark_that_does_not_count_any_more_is_told(tmp_path: Path) -> None:
    write_class(tmp_path, class_with(), ASSIGNMENT)
    path = tmp_path / "marks.csv"
    text = (
        path.read_text("utf-8-sig").replace("discussion,10,,,", "discussion,10,4,good,").replace("2.5,,,", "2.5,1.5,,")
    )
    path.write_text(text, "utf-8")
    class_ = [graded("mia", document({"Q1-1": "REVIEW"}, texts={"Q1-4": "New."}, reason="0.91"))]
    assert [line for line in write_class(tmp_path, class_, ASSIGNMENT) if "earlier" in line] == [
        "marks.csv: mia's mark for Q1-4 (4) was for an earlier text and does not count: set it again",
        "marks.csv: mia's mark for Q1-1 (1.5) was for an earlier verdict and does not count: set it again",
    ]


def test_a_row_by_hand_is_about_whatever_is_there(tmp_path: Path) -> None:
    by_hand = read(tmp_path, f"{HEADER}\nmia,Q1-4,,,4,by mail,\n")
    row = by_key(marks_csv(class_with("Whatever."), by_hand, ASSIGNMENT))["mia", "Q1-4"]
    assert (row["points"], row["comment"], row["about"]) == ("4", "by mail", "")


@pytest.mark.parametrize("content", [document(), document({"Q1-1": "PASS"}, texts={"Q1-7": "x"})])
def test_a_filled_row_of_what_is_no_more_to_mark_stays(tmp_path: Path, content: dict[str, object]) -> None:
    row = f"mia,Q1-1,review,2.5,2,fine,{checksum('x')}"
    text = marks_csv([graded("mia", content)], read(tmp_path, f"{HEADER}\n{row}\n"), ASSIGNMENT)
    assert row in text.splitlines()


def test_an_empty_row_goes_with_what_it_was_for(tmp_path: Path) -> None:
    marks = read(tmp_path, f"{HEADER}\nmia,Q1-4,,,,,abc\nmia,Q1-7,,,,only a comment,\n")
    assert set(by_key(marks_csv([], marks, ASSIGNMENT))) == {("mia", "Q1-7")}


NAMES = st.text(min_size=1, max_size=8).map(printable).filter(lambda name: "\n" not in name and name.strip() == name)
TEXTS = st.text(max_size=20).map(lambda text: text.replace("\r", "\n"))


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    keys = draw(st.sets(st.tuples(NAMES, st.sampled_from(sorted(ITEMS))), max_size=6))
    return [
        Row(
            student,
            item,
            ITEMS[item],
            most(item),
            draw(st.none() | st.floats(0, most(item)).map(lambda points: round(points, 3))),
            draw(TEXTS),
            draw(st.sampled_from(["", "bcdfghjk"])),
        )
        for student, item in sorted(keys)
    ]


@given(rows=tables(), separator=st.sampled_from([",", ";", "\t"]), bom=st.booleans())
def test_all_that_a_person_writes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], separator: str, bom: bool
) -> None:
    marks = Marks({row.key: row for row in rows}, separator=separator, bom=bom)
    folder = tmp_path_factory.mktemp("marks")
    text = marks_csv([], marks, ASSIGNMENT)
    again = read(folder, text.encode("utf-8", "backslashreplace"))
    assert {row.key: row for row in again.rows.values()} == {row.key: row for row in rows if row.filled}
    assert marks_csv([], again, ASSIGNMENT) == text


@given(rows=tables())
def test_no_grading_loses_points(rows: list[Row]) -> None:
    """Whatever the class hands in now, each number that a person wrote is in its row: as points, or in the comment."""
    marks = Marks({row.key: row for row in rows})
    texts = {item: "Now." for item, kind in ITEMS.items() if kind == DISCUSSION}
    class_ = [graded(student, document({"Q1-1": "REVIEW"}, texts=texts)) for student in {row.student for row in rows}]
    after = by_key(marks_csv(class_, marks, ASSIGNMENT))
    for row in rows:
        if row.points is not None:
            number = f"{row.points:g}"
            assert (
                float(after[row.key]["points"] or "nan") == row.points or f"was {number}" in after[row.key]["comment"]
            )


def test_an_empty_row_of_old_is_about_the_new_text() -> None:
    old = Row("mia", "Q1-4", DISCUSSION, 10, None, "look again", "old")
    marks = Marks({old.key: old})
    row = by_key(marks_csv(class_with(), marks, ASSIGNMENT))["mia", "Q1-4"]
    assert (row["comment"], row["about"]) == ("look again", checksum("Yes."))
    assert replace(old, comment="").filled is False
