"""class.html shows what a person needs, and a class cannot write into it."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from grading.assignment.assignment import Assignment
from grading.reporting.fault import SUBMISSION, Fault, fault_document
from grading.reporting.gradebook.canvas_csv import read_export
from grading.reporting.gradebook.class_html import anchor, class_html, report_link
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.marks_csv import marks_csv
from grading.reporting.gradebook.marks_table import Marks
from grading.reporting.gradebook.write import write_class
from grading.tests.gradebook_documents import ASSIGNMENT, document, graded, of_question
from grading.tests.test_reporting import NASTY

VOID = {"meta", "line", "br"}


class Page(HTMLParser):
    """A page, read; every tag must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.links, self.ids, self.tags, self.labels = "", [], [], [], []  # type: ignore[var-annotated]
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        assert not [name for name in named if name.startswith("on") or name == "src"]
        self.links += [named["href"]] if tag in ("a", "use") else []
        self.ids += [named["id"]] if "id" in named else []
        self.labels += [named.get("aria-label")] if named.get("role") == "img" else []
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "title"):
            self.text += data


def mixed_class() -> list[Graded]:
    fault = Fault("eve", "mini", "heads.py is a link", SUBMISSION, ASSIGNMENT, ASSIGNMENT.configurations)
    return [
        graded("mia", document({"Q1-1": "REVIEW"}, texts={"Q1-4": "Fine-tuned wins."}, tails={"Q1-1": 0.88})),
        graded("ben kim", document({"Q2-3-merged": "INCOMPLETE"}, failed=of_question("Q1-1", 3))),
        graded("ann", document(texts={"Q1-4": "Scratch loses."}, marks={"Q1-4": 7})),
        Graded(graded("eve", document()).hand_in, fault_document(fault), (), fault.finding),
    ]


def read(class_: list[Graded]) -> Page:
    return Page(class_html(class_, ASSIGNMENT))


def test_who_needs_a_person_comes_first() -> None:
    text = re.sub(r"\s+", " ", read(mixed_class()).text)
    before_the_points = text.partition("Dashed: the median")[0]
    places = [
        before_the_points.find(shown)
        for shown in ("heads.py is a link", "Q2-3-merged INCOMPLETE", "Q1-1 REVIEW", "Q1-4 (1)")
    ]
    assert places == sorted(places)
    assert places[0] > 0
    assert "1 of them needs no person" in text


def test_links_lead_somewhere() -> None:
    page = read(mixed_class())
    assert len(set(page.ids)) == len(page.ids)
    inner = {link[1:] for link in page.links if link.startswith("#")}
    assert inner <= set(page.ids)
    outer = {link for link in page.links if not link.startswith("#")}
    assert {unquote(link.partition("#")[0]) for link in outer} == {
        f"./{name}/report.html" for name in ("mia", "ben kim", "ann", "eve")
    }


def test_a_row_of_marks_has_its_place() -> None:
    page = read(mixed_class())
    assert {anchor("mia", "Q1-4"), anchor("mia", "Q1-1"), anchor("ann", "Q1-4")} <= set(page.ids)
    assert "Fine-tuned wins." in page.text
    assert "Q1-4 Discussion: cases 1 to 3 side by side: 1 of 2 marked" in page.text


def test_every_drawing_says_what_it_shows() -> None:
    labels = read(mixed_class()).labels
    assert labels[0].startswith("Points of 4 submissions, median")
    assert "accuracy of 3 submissions, median 0.93, threshold 0.90: 2 PASS, 1 REVIEW" in labels
    assert len(labels) == 4


@pytest.mark.parametrize("text", [*NASTY[:-1], "\u05d0\u05d1 \u0627\u0644", "x" * 3000], ids=range(len(NASTY) + 1))
def test_a_class_writes_nothing_into_the_page(text: str) -> None:
    """Names, findings, discussions, reasons and faults are texts, whatever is in them."""
    page, harmless = read(class_of(text)), read(class_of("x"))
    assert page.tags == harmless.tags
    assert class_html(class_of(text), ASSIGNMENT).replace("\n", "").isprintable()
    assert all(link.startswith(("#", "./")) for link in page.links)


def class_of(text: str) -> list[Graded]:
    """A class in which everything that a student can write is this text."""
    verdicts = {"Q1-1": "REVIEW", "Q1-2": "FAIL"}
    content = document(verdicts, failed=of_question("Q1-2", 2), texts={"Q1-4": text}, reason=text)
    content["extra_data"]["configurations"][0]["distrusted"] = text or "x"
    return [graded(f"{text} a", content, finding=text), graded(f"{text} b", document(), fault=text)]


def test_no_request_leaves_the_page() -> None:
    text = class_html(mixed_class(), ASSIGNMENT)
    assert not re.search(r"https?://|url\(|@import|<script|<link|<img", text)


@pytest.mark.parametrize("student", ["javascript:alert(1)", "//x.org", "..", "a/b", "a#b?c", "a%20b"])
def test_a_link_stays_in_the_gradebook(student: str) -> None:
    link = report_link(student, "Q1-1")
    assert link.startswith("./")
    assert link.endswith("/report.html#Q1-1")
    assert unquote(link.removeprefix("./").removesuffix("/report.html#Q1-1")) == student
    assert link.count("/") == 2


def test_no_two_students_share_a_place() -> None:
    names = ["a b", "a_b", "a_20_b", "a-b", "aé", "a\u0301"]
    anchors = {anchor(name, "Q1-4") for name in names}
    assert len(anchors) == len(names)
    assert all(re.fullmatch(r"[\w-]+", one, re.ASCII) for one in anchors)


@pytest.mark.parametrize("class_", [[], [graded("mia", document(), fault="no")]], ids=["nobody", "one fault"])
def test_a_class_of_nobody(class_: list[Graded]) -> None:
    assert "submission" in read(class_).text


def test_all_files_are_written(tmp_path: Path) -> None:
    out = tmp_path / "gradebook"
    class_ = mixed_class()
    assert write_class(out, class_, ASSIGNMENT) == []
    assert {file.name for file in out.iterdir()} == {
        "gradebook.csv",
        "canvas.csv",
        "marks.csv",
        "changes.csv",
        "class.html",
    }
    assert (out / "changes.csv").read_text().count("newly graded") > 4
    before = {one.hand_in.student: one.document for one in class_}
    marks = (out / "marks.csv").read_text()
    write_class(out, class_, ASSIGNMENT, before)
    assert (out / "changes.csv").read_text().count("\n") == 1
    assert (out / "marks.csv").read_text() == marks


def test_marks_that_were_filled_meanwhile_stay(tmp_path: Path) -> None:
    write_class(tmp_path, mixed_class(), ASSIGNMENT)
    path = tmp_path / "marks.csv"
    path.write_text(path.read_text().replace("mia,Q1-4,discussion,10,,", "mia,Q1-4,discussion,10,6.5,good"))
    write_class(tmp_path, mixed_class(), ASSIGNMENT)
    assert "mia,Q1-4,discussion,10,6.5,good" in path.read_text()


def test_marks_that_are_saved_while_the_file_is_made_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_class(tmp_path, mixed_class(), ASSIGNMENT)
    path = tmp_path / "marks.csv"
    filled = path.read_text().replace("mia,Q1-4,discussion,10,,", "mia,Q1-4,discussion,10,6.5,good")

    def slow(class_: list[Graded], marks: Marks, assignment: Assignment) -> str:
        text = marks_csv(class_, marks, assignment)
        path.write_text(filled)
        return text

    monkeypatch.setattr("grading.reporting.gradebook.write.marks_csv", slow)
    write_class(tmp_path, mixed_class(), ASSIGNMENT)
    assert path.read_text() == filled


def test_marks_that_do_not_change_are_not_written(tmp_path: Path) -> None:
    """A spreadsheet that has the file open is not told that it changed."""
    write_class(tmp_path, mixed_class(), ASSIGNMENT)
    before = (tmp_path / "marks.csv").stat()
    write_class(tmp_path, mixed_class(), ASSIGNMENT)
    assert (tmp_path / "marks.csv").stat().st_ino == before.st_ino


def test_broken_marks_stay_as_they_are(tmp_path: Path) -> None:
    broken = "student,item\nmia,Q1-4\n"
    (tmp_path / "marks.csv").write_text(broken)
    notes = write_class(tmp_path, mixed_class(), ASSIGNMENT)
    assert (tmp_path / "marks.csv").read_text() == broken
    assert notes[-1] == "marks.csv was left as it is"
    assert notes[0].startswith("marks.csv, line 1: ")
    assert (tmp_path / "class.html").exists()


def test_who_is_missing_in_canvas_is_told(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("Student,ID,HW4 (1)\nmia,5,\n")
    export = read_export(tmp_path / "export.csv", "HW4 (1)")
    notes = write_class(tmp_path, mixed_class(), ASSIGNMENT, export=export)
    assert notes == [f"canvas.csv: {name} is in no row of the export" for name in ("ben kim", "ann", "eve")]
