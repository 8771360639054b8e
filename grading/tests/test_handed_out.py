"""A file that students must not change is compared with the grader's, and told if it differs."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grading import ROOT
from grading.assignment.api_test_record import NOT_RUN
from grading.commands.grade import parse, with_notes
from grading.intake.hand_in import HandIn
from grading.intake.unpack import unpack
from grading.platforms.autograder import located
from grading.platforms.handout.files import handout_files
from grading.platforms.handout.rehearsal import write_files
from grading.platforms.student_view import shown
from grading.protocol.handed_out import MANIFEST, MOST_BYTES, digest, notes_on
from grading.protocol.submission import locate
from grading.reporting.collect import results_of
from grading.reporting.gradescope import results_json
from grading.reporting.html import report_html
from grading.reporting.summary import summary_lines
from grading.running.resolve import make_plan
from grading.sandbox.staging import set_aside

HEADS = "tests/test_heads.py"
TOLD = f"{HEADS} differs from what was handed out: grading uses its own"
FILES = handout_files(ROOT)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A student's checkout, as it was handed out."""
    folder = tmp_path / "class" / "hw4-ada"
    write_files(FILES, folder)
    return folder


def notes(checkout: Path) -> tuple[str, ...]:
    return notes_on(checkout / "hw4", checkout.parent)


def edit(file: Path, old: bytes, new: bytes) -> None:
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))


def test_nothing_is_told_of_what_was_handed_out(checkout: Path) -> None:
    assert notes(checkout) == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content.rstrip(b"\n"),
        lambda content: content + b"\n\n",
    ],
)
def test_ends_of_lines_and_of_files_may_change(change: Callable[[bytes], bytes], checkout: Path) -> None:
    for file in (checkout / HEADS, checkout / "tests" / "ids.txt", checkout / "grading" / "run_all.py"):
        content = file.read_bytes()
        file.write_bytes(change(content))
        assert file.read_bytes() != content
    assert notes(checkout) == ()


@pytest.mark.parametrize(
    "path",
    [HEADS, "tests/ids.txt", "tests/conftest.py", "grading/run_all.py", "grading/assignment/assignment.toml"]
    + ["grading/worker/probes/heads.py"],
)
def test_a_change_is_told(path: str, checkout: Path) -> None:
    (checkout / path).write_bytes((checkout / path).read_bytes() + b"# mine\n")
    assert notes(checkout) == (TOLD.replace(HEADS, path),)


def test_what_students_may_change_is_not_told(checkout: Path) -> None:
    for path in ("hw4/heads.py", "hw4/discussion.md", "README.md", "tests/test_mine.py", "notes.txt"):
        (checkout / path).write_text("mine", encoding="utf-8")
    (checkout / "tests" / "test_fcn.py").unlink()  # who hands in a part of the checkout has changed nothing
    assert notes(checkout) == ()


def test_many_changes_make_one_line(checkout: Path) -> None:
    for file in (checkout / "grading").rglob("*.py"):
        file.write_text("pass\n", encoding="utf-8")
    (note,) = notes(checkout)
    assert note.endswith(" more differ from what was handed out: grading uses its own")
    assert len(note) < 400


@pytest.mark.parametrize("kind", ["a link to the grader's own", "a linked folder", "a pipe", "a folder", "too large"])
def test_what_is_no_file_is_told_and_not_read(kind: str, checkout: Path) -> None:
    file = checkout / HEADS
    file.unlink()
    if kind == "a link to the grader's own":
        file.symlink_to(ROOT / HEADS)
    elif kind == "a pipe":
        os.mkfifo(file)
    elif kind == "a folder":
        file.mkdir()
    elif kind == "too large":
        with file.open("wb") as hole:
            hole.truncate(MOST_BYTES * 2**10)
    else:
        (checkout / "tests").rename(checkout / "others")
        (checkout / "tests").symlink_to(ROOT / "tests")
    assert any(HEADS in note or note.startswith("tests/") for note in notes(checkout))


def handed_out_before(checkout: Path) -> None:
    """Make a checkout that another version of the grader has written."""
    edit(checkout / HEADS, b"import pytest", b"import pytest  # as it was")
    table = json.loads((checkout / MANIFEST).read_text(encoding="utf-8"))
    table["files"][HEADS] = digest((checkout / HEADS).read_bytes())
    (checkout / MANIFEST).write_text(json.dumps(table), encoding="utf-8")


def test_a_handout_of_another_version_is_no_change_but_told(checkout: Path) -> None:
    handed_out_before(checkout)
    (note,) = notes(checkout)
    assert note.startswith(f"by its {MANIFEST}, this was handed out by another version of the grader")
    edit(checkout / HEADS, b"# as it was", b"# mine")
    assert notes(checkout) == (TOLD,)


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"files": {"tests/test_heads.py": [1]}}', "[" * 10**5])
def test_a_damaged_manifest_excuses_nothing(text: str, checkout: Path) -> None:
    (checkout / MANIFEST).write_text(text, encoding="utf-8")
    assert notes(checkout) == ()
    edit(checkout / HEADS, b"import pytest", b"import pytest  # mine")
    assert notes(checkout) == (TOLD,)


def test_names_of_a_submission_never_come_into_a_note(checkout: Path) -> None:
    (checkout / "tests" / "<script>.py").write_text("", encoding="utf-8")
    table = {"files": {"tests/<script>.py": digest(b"other")}}
    (checkout / MANIFEST).write_text(json.dumps(table), encoding="utf-8")
    assert notes(checkout) == ()


def test_this_project_is_no_students_checkout() -> None:
    assert notes_on(ROOT / "hw4", ROOT) == ()
    assert notes_on(ROOT / "tests" / "evil" / "calls_home", ROOT) == ()


def test_loose_modules_have_no_checkout(tmp_path: Path) -> None:
    (tmp_path / "heads.py").touch()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").write_text("of another project", encoding="utf-8")
    assert notes_on(tmp_path, tmp_path) == ()


@pytest.mark.parametrize("deeper", ["", "hw4-main/"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_hand_in_of_a_whole_checkout_is_compared(
    is_packed: bool, deeper: str, checkout: Path, tmp_path: Path
) -> None:
    edit(checkout / HEADS, b"import pytest", b"import pytest  # mine")
    source = tmp_path / "in" / deeper
    source.parent.mkdir(parents=True, exist_ok=True)
    checkout.rename(source)
    source = tmp_path / "in"
    if is_packed:
        with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
            for file in source.rglob("*"):
                archive.write(file, file.relative_to(source))
        source = tmp_path / "ada.zip"
    (tmp_path / "out").mkdir()
    assert unpack(HandIn("ada", (source,)), tmp_path / "out").notes == (TOLD,)


def test_a_hand_in_is_not_compared_with_what_lies_above_it(checkout: Path, tmp_path: Path) -> None:
    """The folder of a class may lie in any checkout."""
    edit(checkout / HEADS, b"import pytest", b"import pytest  # mine")
    (tmp_path / "out").mkdir()
    assert unpack(HandIn("ada", (checkout / "hw4",)), tmp_path / "out").notes == ()


@pytest.mark.slow
def test_both_readers_are_told(checkout: Path, forked_sandbox: None) -> None:
    edit(checkout / HEADS, b"import pytest", b"import pytest  # mine")
    with set_aside(with_notes(locate(str(checkout / "hw4")))) as submission:
        plan = make_plan(parse(["--profile", "mini", "--only", "Q2-3"]), submission)
        results = results_of(plan, {}, NOT_RUN, 1.0)
        report, document = report_html(results), json.loads(results_json(results))
    assert f"note: {TOLD}" in summary_lines(results)
    assert f"Note: {TOLD}." in report
    assert document["extra_data"]["submission_notes"] == [TOLD]
    assert shown(document, "visible")["output"] == f"Note: {TOLD}."
    del document["extra_data"]["submission_notes"][:]
    assert "output" not in shown(document, "visible")


def test_gradescopes_hand_in_is_compared(checkout: Path) -> None:
    edit(checkout / HEADS, b"import pytest", b"import pytest  # mine")
    with located(checkout) as submission:
        assert submission.notes == (TOLD,)
