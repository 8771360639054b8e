"""Every platform's export becomes one hand-in for each student."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from grading.intake.exports import ClassFolder, read_class
from grading.intake.listing import IntakeError


def lay(folder: Path, *places: str) -> Path:
    """Make empty files, and folders for places that end in a slash."""
    for place in places:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        if place.endswith("/"):
            (folder / place).mkdir(parents=True, exist_ok=True)
        else:
            (folder / place).touch()
    return folder


def students(read: ClassFolder) -> list[str]:
    return [hand_in.student for hand_in in read.hand_ins]


def sources(read: ClassFolder) -> dict[str, list[str]]:
    return {hand_in.student: [path.name for path in hand_in.sources] for hand_in in read.hand_ins}


def ids(read: ClassFolder) -> dict[str, Mapping[str, str]]:
    return {hand_in.student: hand_in.ids for hand_in in read.hand_ins}


# --- folders


def test_folders_and_archives_side_by_side(tmp_path: Path) -> None:
    lay(tmp_path, "bob.zip", "alice/hw4/heads.py", "Zoë Müller.TAR.GZ", "mallory.rar", "dave.tgz")
    read = read_class(tmp_path)
    assert read.platform == "folders"
    assert students(read) == ["alice", "bob", "dave", "mallory", "Zoë Müller"]
    assert read.passed_over == ()
    assert read.hand_ins[0].sources == (tmp_path / "alice",)
    assert not any(hand_in.late for hand_in in read.hand_ins)


def test_what_is_no_hand_in_is_passed_over(tmp_path: Path) -> None:
    lay(tmp_path, "alice/", "README.md", "roster.csv", ".DS_Store", ".git/", "__MACOSX/", "._bob.zip", "Thumbs.db")
    (tmp_path / "gone").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.zip")
    read = read_class(tmp_path)
    assert students(read) == ["alice"]
    assert read.passed_over == ("README.md", "gone", "pipe.zip", "roster.csv")


def test_a_link_of_the_instructor_is_followed(tmp_path: Path) -> None:
    lay(tmp_path, "all/x/heads.py", "class/")
    (tmp_path / "class" / "ada").symlink_to("../all/x")
    (hand_in,) = read_class(tmp_path / "class").hand_ins
    assert (hand_in.student, hand_in.sources) == ("ada", (tmp_path / "all" / "x",))


def test_one_name_as_folder_and_archive(tmp_path: Path) -> None:
    lay(tmp_path, "ada/", "ada.zip", "ada.tar.gz", "bob/")
    assert sources(read_class(tmp_path)) == {
        "ada-folder": ["ada"],
        "ada-tar-gz": ["ada.tar.gz"],
        "ada-zip": ["ada.zip"],
        "bob": ["bob"],
    }


@pytest.mark.parametrize("pair", [("Ada", "ada"), ("\u00e9va", "e\u0301va"), ("ada", "ada."), ("a:b", "a?b")])
def test_names_that_some_system_does_not_tell_apart(pair: tuple[str, str], tmp_path: Path) -> None:
    lay(tmp_path, *(f"{name}/" for name in pair))
    before = sources(read_class(tmp_path))
    assert len(before) == 2
    lay(tmp_path, "zoe/", "bob/")
    assert before.items() <= sources(read_class(tmp_path)).items()


def test_names_of_odd_bytes(tmp_path: Path) -> None:
    for name in (b"M\xfcller", b"\x1b[31mred", "\u202eevil".encode(), b"a\nb"):
        os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    (tmp_path / os.fsdecode(b"\xff.txt")).touch()
    read = read_class(tmp_path)
    assert set(students(read)) == {"M_xfcller", "_u202eevil", "_x1b[31mred", "a b"}
    assert read.passed_over == (r"\xff.txt",)
    assert all(path.is_dir() for hand_in in read.hand_ins for path in hand_in.sources)


# --- the folder itself


def test_a_folder_of_no_use(tmp_path: Path) -> None:
    lay(tmp_path, "export.zip", "empty/", "notes/README.md", "hidden/.DS_Store")
    for place, message in {
        "missing": "does not exist",
        "export.zip": "is a file: unpack the export",
        "empty": "nothing was handed in",
        "notes": "nothing was handed in",
        "hidden": "nothing was handed in",
        "x" * 300: "does not exist",
        "a\nb": r"does not exist",
    }.items():
        with pytest.raises(IntakeError, match=message) as raised:
            read_class(tmp_path / place)
        assert str(raised.value).isprintable()


@pytest.mark.parametrize("place", [".", "class", "../x/class"])
def test_a_relative_folder(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, "x/class/ada/", "x/class/bob.zip", "x/ada/", "x/bob.zip")
    monkeypatch.chdir(tmp_path / "x")
    assert all(path.is_absolute() for hand_in in read_class(Path(place)).hand_ins for path in hand_in.sources)


def test_the_export_may_lie_in_a_folder_of_its_own(tmp_path: Path) -> None:
    lay(tmp_path, "a/__MACOSX/", "a/assignment_12_export/submission_5/", "b/submissions/ada_1_2_hw4.zip")
    lay(tmp_path, "c/hw4-submissions/hw4-ada/.git/", "d/alice/hw4/heads.py")
    (tmp_path / "a/assignment_12_export/submission_metadata.yml").write_text("submission_5:\n  :submitters: []\n")
    kinds = {name: read_class(tmp_path / name).platform for name in "abcd"}
    assert kinds == {"a": "gradescope", "b": "canvas", "c": "github", "d": "folders"}


# --- Gradescope

METADATA = """---
submission_409194023:
  :submitters:
  - :name: Ada King
    :sid: '0071'
    :email: ada@x.edu
  :created_at: 2026-04-26 17:34:00.861687000 Z
  :score: 2.0
  :status: processed
  :results:
    score: 2.0
    output: |-
      ====
      Final Score:2.0
  :history:
  - :id: 12
    :score: 1.0
submission_5:
  :submitters:
  - :name: Bob No
    :sid: 007
    :email: bob@x.edu
  - :name: 王小明
    :sid: No
    :email:
  :late: true
submission_6:
  :submitters: []
submission_7:
  :submitters:
  - :name: Only Name
submission_8:
"""


def gradescope(folder: Path, metadata: str, *places: str) -> Path:
    lay(folder, *places)
    (folder / "submission_metadata.yml").write_text(metadata, encoding="utf-8")
    return folder


def test_gradescope(tmp_path: Path) -> None:
    gradescope(tmp_path, METADATA, "submission_409194023/heads.py", "submission_5/", "submission_99/", "notes.txt")
    read = read_class(tmp_path)
    assert read.platform == "gradescope"
    assert read.passed_over == ("notes.txt",)
    assert sources(read) == {
        "ada": ["submission_409194023"],
        "bob": ["submission_5"],
        "No": ["submission_5"],
        "Only Name": ["submission_7"],
        "submission_6": ["submission_6"],
        "submission_8": ["submission_8"],
        "submission_99": ["submission_99"],
    }
    assert ids(read)["ada"] == {"name": "Ada King", "sid": "0071", "email": "ada@x.edu", "submission": "409194023"}
    assert ids(read)["bob"]["sid"] == "007"
    assert ids(read)["No"] == {"name": "王小明", "sid": "No", "submission": "5"}
    assert ids(read)["submission_99"] == {"submission": "99"}
    assert {hand_in.student for hand_in in read.hand_ins if hand_in.late} == {"bob", "No"}
    assert not read.hand_ins[students(read).index("Only Name")].sources[0].exists()


def submitter(number: int, email: str, sid: str) -> str:
    return f"submission_{number}:\n  :submitters:\n  - :name: N\n    :sid: '{sid}'\n    :email: {email}\n"


def test_gradescope_students_of_one_name(tmp_path: Path) -> None:
    metadata = submitter(1, "ada@x.edu", "11") + submitter(2, "Ada@y.edu", "12") + submitter(3, "eve@x.edu", "13")
    assert students(read_class(gradescope(tmp_path, metadata))) == ["ada-11", "Ada-12", "eve"]


def test_a_gradescope_student_who_is_in_two_submissions(tmp_path: Path) -> None:
    metadata = submitter(1, "ada@x.edu", "11") + submitter(2, "ada@x.edu", "11")
    assert students(read_class(gradescope(tmp_path, metadata))) == ["ada-1", "ada-2"]


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "- a\n- b\n",
        "text",
        "submission_1: {",
        "../../etc: {}",
        "..: {}",
        '"": {}',
        "? [a]\n: b\n",
        "[" * 100_000,
        '"\\x00": {}',
        "a: \x07",
        "&a [*a]",
        "submission_1:\n  ? [a]\n  : b\n",
        "submission_1:\n  :submitters: " + "[" * 5000 + "]" * 5000,
    ],
)
def test_gradescope_metadata_that_cannot_be_read(metadata: str, tmp_path: Path) -> None:
    with pytest.raises(IntakeError) as raised:
        read_class(gradescope(tmp_path, metadata, "submission_1/"))
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    "facts",
    [
        "",
        "text",
        "[]",
        "{':submitters': 3}",
        "{':submitters': [3, [x]]}",
        "{':submitters': [{':email': [x]}]}",
        "!ruby/object:X {}",
    ],
)
def test_gradescope_facts_of_another_form(facts: str, tmp_path: Path) -> None:
    assert students(read_class(gradescope(tmp_path, f"submission_1: {facts}\n"))) == ["submission_1"]


def test_aliases_do_not_multiply(tmp_path: Path) -> None:
    bomb = "a0: &a0 {x: y}\n" + "".join(f"a{i}: &a{i} {{p: *a{i - 1}, q: *a{i - 1}}}\n" for i in range(1, 60))
    assert len(read_class(gradescope(tmp_path, bomb)).hand_ins) == 60


def test_old_results_are_passed_over(tmp_path: Path) -> None:
    results = "  :results: {tests: [{a: 1}, [b, {c: d}], text], {x: y}: z}\n  :history: [{':email': nobody@x.edu}]\n"
    metadata = "".join(submitter(n, f"s{n}@x.edu", str(n)) + results for n in range(3))
    assert students(read_class(gradescope(tmp_path, metadata))) == ["s0", "s1", "s2"]


# --- Canvas


def test_canvas(tmp_path: Path) -> None:
    lay(
        tmp_path,
        "kingada_101_9001_hw4.zip",
        "nobob_LATE_102_9003_freezing-1.py",
        "nobob_LATE_102_9002_heads.py",
        "no_name_103_9004_my_hw_4_5_final version.zip",
        "nobob_104_9005_hw4.zip",
        "typist_105_text.html",
        "_106_9006_hw4.zip",
        "feedback.csv",
        "no_name.zip",
    )
    read = read_class(tmp_path)
    assert read.platform == "canvas"
    assert read.passed_over == ("feedback.csv", "no_name.zip")
    assert sources(read) == {
        "106": ["_106_9006_hw4.zip"],
        "kingada": ["kingada_101_9001_hw4.zip"],
        "no_name": ["no_name_103_9004_my_hw_4_5_final version.zip"],
        "nobob-102": ["nobob_LATE_102_9002_heads.py", "nobob_LATE_102_9003_freezing-1.py"],
        "nobob-104": ["nobob_104_9005_hw4.zip"],
        "typist": ["typist_105_text.html"],
    }
    assert ids(read)["nobob-102"] == {"id": "102", "name": "nobob"}
    assert [hand_in.student for hand_in in read.hand_ins if hand_in.late] == ["nobob-102"]


def test_a_few_names_like_canvas_s_do_not_make_an_export(tmp_path: Path) -> None:
    lay(tmp_path, "ada_1_2_hw4.zip", "bob/", "eve/")
    assert read_class(tmp_path).platform == "folders"


# --- GitHub Classroom


@pytest.mark.parametrize("folder", ["clones", "hw-4-submissions"])
def test_github(folder: str, tmp_path: Path) -> None:
    lay(tmp_path / folder, "hw-4-ada/.git/", "hw-4-bob-k/.git/", "hw-4-c4/.git", "clone.log")
    read = read_class(tmp_path / folder)
    assert read.platform == "github"
    assert read.passed_over == ("clone.log",)
    assert sources(read) == {"ada": ["hw-4-ada"], "bob-k": ["hw-4-bob-k"], "c4": ["hw-4-c4"]}
    assert ids(read)["bob-k"] == {"login": "bob-k", "repository": "hw-4-bob-k"}


def test_the_folder_names_the_assignment(tmp_path: Path) -> None:
    lay(tmp_path, "hw-4-submissions/hw-4-cs-ada/.git/", "hw-4-submissions/hw-4-cs-bob/.git/")
    assert students(read_class(tmp_path / "hw-4-submissions")) == ["cs-ada", "cs-bob"]
    lay(tmp_path, "hw5-submissions/hw5-ada-k/.git/")
    assert students(read_class(tmp_path / "hw5-submissions")) == ["ada-k"]


def test_one_clone_of_which_nobody_knows_the_assignment(tmp_path: Path) -> None:
    lay(tmp_path, "hw-4-ada/.git/")
    read = read_class(tmp_path)
    assert (read.platform, students(read)) == ("folders", ["hw-4-ada"])


@pytest.mark.parametrize(
    "places", [("ada/.git/", "bob/.git/"), ("hw4-a/.git/", "hw4-b/"), ("hw4-a/.git/", "hw4-b/.git/", "hw4-c.zip")]
)
def test_folders_of_which_some_have_a_git_folder(places: tuple[str, ...], tmp_path: Path) -> None:
    assert read_class(lay(tmp_path, *places)).platform == "folders"


def test_a_login_that_begins_another(tmp_path: Path) -> None:
    lay(tmp_path, "hw4-ada/.git/", "hw4-ada-b/.git/")
    assert students(read_class(tmp_path)) == ["ada", "ada-b"]


def test_reading_opens_nothing(tmp_path: Path) -> None:
    """A pipe or a socket would block a reader."""
    lay(tmp_path, "ada/")
    os.mkfifo(tmp_path / "ada" / "heads.py")
    os.mkfifo(tmp_path / "eve_1_2_hw4.zip")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(tmp_path)
        try:
            listener.bind("bob.zip")
        finally:
            os.chdir(here)
        assert students(read_class(tmp_path)) == ["ada"]
