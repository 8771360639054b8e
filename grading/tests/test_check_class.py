"""What checks the class command: its classes are what it says they are, and it notices what goes wrong."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from grading.checker.class_command import Command
from grading.checker.class_exports import EXPORTS
from grading.checker.gradebook_comparison import differences, parts_left, scores
from grading.checker.packing import SHAPES
from grading.checker.synthetic_class import EVIL, LEFT_OUT, make_class
from grading.checker.unreadable import UNREADABLE
from grading.commands import check_class
from grading.intake.exports import read_class
from grading.intake.unpack import unpack
from grading.protocol.submission import SubmissionError, locate
from grading.sandbox.locked_folder import PREFIX

NUMBER = 10 * len(UNREADABLE)  # so that every unreadable hand-in and every shape comes up


@pytest.mark.parametrize("export", EXPORTS)
def test_a_made_up_class_is_read_as_it_was_made(export: str, tmp_path: Path) -> None:
    students = make_class(tmp_path / "class", tmp_path / "plain", NUMBER, ["classes", "fcn"], export=export, seed=1)
    read = read_class(tmp_path / "class")
    assert read.platform == export
    assert not read.passed_over
    assert [hand_in.student for hand_in in read.hand_ins] == [student.name for student in students]
    for hand_in, student in zip(read.hand_ins, students, strict=True):
        folder = tmp_path / "unpacked" / student.name
        folder.mkdir(parents=True)
        if student.plain is None:
            with pytest.raises(SubmissionError):
                unpack(hand_in, folder)
        else:
            assert unpack(hand_in, folder).fingerprint() == locate(str(student.plain)).fingerprint(), student.about


def test_a_class_has_students_of_all_kinds(tmp_path: Path) -> None:
    students = make_class(tmp_path / "class", tmp_path / "plain", NUMBER, ["classes", "fcn"])
    kinds = Counter(student.kind for student in students)
    assert min(kinds[kind] for kind in ("wheat", "chaff", "evil")) > 10
    assert {student.about for student in students if student.plain is None} == {
        f"unreadable: {write.__name__}" for write in UNREADABLE
    }
    assert all(any(student.about.endswith(f", {shape}") for student in students) for shape in SHAPES)
    modules = {student.about.split()[1].partition("/")[0] for student in students if student.kind in ("wheat", "chaff")}
    assert modules == {"classes", "fcn"}


def test_the_seed_decides_what_is_handed_in(tmp_path: Path) -> None:
    def abouts(name: str, seed: int) -> list[str]:
        return [s.about for s in make_class(tmp_path / name, tmp_path / f"{name}-plain", 20, ["classes"], seed=seed)]

    assert abouts("one", 1) == abouts("again", 1) != abouts("other", 2)


def test_what_is_left_out_is_there() -> None:
    """A package that is renamed would be taken in, and its tests last for minutes."""
    assert [pattern for pattern in LEFT_OUT if not list(EVIL.glob(pattern))] == []


# --- Gradebooks ----------------------------------------------------------------------------------------------------


def results(score: float = 1.0, seconds: float = 2.0, output: str = "<object at 0x7f00aa11>") -> dict[str, Any]:
    seeds = [{"seed": 0, "seconds": seconds, "tail": float("nan")}]
    tests = [{"number": "Q2-3", "score": score, "output": output}]
    extra = {"configurations": [{"id": "Q2-3-merged", "verdict": "PASS", "seeds": seeds}]}
    return {"score": score, "execution_time": seconds, "tests": tests, "extra_data": extra}


def write_book(folder: Path, document: dict[str, Any]) -> Path:
    (folder / "ada").mkdir(parents=True)
    for name in ("gradebook.csv", "canvas.csv", "marks.csv", "changes.csv"):
        (folder / name).write_text("student,total\nada,1\n")
    for name in ("history.csv", "junit.xml", "report.html", "student.html"):
        (folder / "ada" / name).write_text("text")
    (folder / "ada" / "results.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def books(tmp_path: Path) -> tuple[Path, Path]:
    """Two gradebooks that differ in times and addresses alone."""
    other = results(seconds=3.0, output="<object at 0x7fbbcc22>")
    return write_book(tmp_path / "one", results()), write_book(tmp_path / "other", other)


def test_times_and_addresses_are_no_difference(books: tuple[Path, Path]) -> None:
    assert list(differences(*books, ["ada"])) == []
    assert scores(books[0] / "ada") == scores(books[1] / "ada") == [1.0, ["Q2-3", 1.0]]


@pytest.mark.parametrize("name", ["gradebook.csv", "canvas.csv", "marks.csv", "changes.csv", "ada/history.csv"])
@pytest.mark.parametrize("change", [lambda file: file.write_text("student\n"), lambda file: file.unlink()])
def test_a_file_that_differs_is_told(name: str, change: Callable[[Path], None], books: tuple[Path, Path]) -> None:
    change(books[1] / name)
    assert any(name.rpartition("/")[2] in difference for difference in differences(*books, ["ada"]))


@pytest.mark.parametrize("name", ["results.json", "report.html", "student.html", "junit.xml"])
def test_a_file_that_is_missing_is_told(name: str, books: tuple[Path, Path]) -> None:
    (books[0] / "ada" / name).unlink()
    assert f"ada has no {name}" in differences(*books, ["ada"])


def _other_verdict(document: dict[str, Any]) -> None:
    document["extra_data"]["configurations"][0]["verdict"] = "FAIL"


def _no_seeds(document: dict[str, Any]) -> None:
    document["extra_data"]["configurations"][0]["seeds"] = []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda document: document.update(score=2.0), "score (1.0 / 2.0)"),
        (_other_verdict, 'extra_data.configurations[0].verdict ("PASS" / "FAIL")'),
        (_no_seeds, "extra_data.configurations[0].seeds"),
        (lambda document: document["tests"][0].update(score=0.0), "tests[0].score"),
        (lambda document: document.pop("tests"), "tests"),
        (lambda document: document.update(more=1), "more"),
    ],
)
def test_results_that_differ_are_told(
    change: Callable[[dict[str, Any]], None], place: str, books: tuple[Path, Path]
) -> None:
    document = results()
    change(document)
    (books[1] / "ada" / "results.json").write_text(json.dumps(document))
    (difference,) = differences(*books, ["ada"])
    assert difference.startswith(f"ada/results.json differs in {place}")


def _another_way(document: dict[str, Any]) -> None:
    document["tests"][0]["output"] = "CRASH"
    document["extra_data"]["failed_tests"] = {"tests/test_classes.py::test_swap": "CRASH"}


def _another_test(document: dict[str, Any]) -> None:
    document["extra_data"]["failed_tests"] = {"tests/test_classes.py::test_any_shape": "FAIL"}


@pytest.mark.parametrize(
    ("change", "count"),
    [(_another_way, 0), (_another_test, 1), (_other_verdict, 1), (lambda document: document.update(score=2.0), 1)],
)
def test_how_a_hostile_submission_fails_may_differ_but_not_whether(
    change: Callable[[dict[str, Any]], None], count: int, books: tuple[Path, Path]
) -> None:
    for book, changes in zip(books, (False, True), strict=True):
        document = results()
        document["tests"][0]["output"] = "FAIL"
        document["extra_data"]["failed_tests"] = {"tests/test_classes.py::test_swap": "FAIL"}
        if changes:
            change(document)
        (book / "ada" / "results.json").write_text(json.dumps(document))
    assert len(list(differences(*books, ["ada"]))) > 0
    assert len(list(differences(*books, ["ada"], ["ada"]))) == count


def test_halves_of_files_are_told(books: tuple[Path, Path]) -> None:
    assert parts_left(books[0]) == []
    (books[0] / "ada" / ".results.json.part").touch()
    (books[0] / "ada" / "tests.parts").mkdir()
    assert {path.name for path in parts_left(books[0])} == {".results.json.part", "tests.parts"}


# --- Killed commands -----------------------------------------------------------------------------------------------

# It starts a process, which outlives it or ends with it, and waits for its own end.
PROGRAM = """
import subprocess, sys, tempfile
end = "" if sys.argv[1] == "outlives" else "sys.stdin.read(); sys.exit()"
program = f"import sys, time; {end}\\ntime.sleep(600)"
child = subprocess.Popen([sys.executable, "-S", "-c", program], stdin=subprocess.PIPE)
child.wait(float(sys.argv[2]))
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Runs PROGRAM, and does not wait long for what it leaves."""
    monkeypatch.setattr("grading.checker.class_command.SECONDS_TO_END", 1.0)
    yield Command(tmp_path, (sys.executable, "-S", "-c", PROGRAM))
    for process in psutil.process_iter():
        try:
            if str(tmp_path) in process.environ().get("TMPDIR", ""):
                process.kill()
        except psutil.Error:
            continue


@pytest.mark.slow
def test_a_process_that_outlives_a_killed_grader_is_told(command: Command) -> None:
    status, alive = command.run_and_kill("outlives", "600", seconds=2.0)
    assert status is None
    assert len(alive) == 1
    (left,) = command.leftovers()
    assert left.startswith(f"process {alive[0].pid}")


@pytest.mark.slow
def test_a_process_that_ends_with_its_grader_is_none(command: Command, tmp_path: Path) -> None:
    assert command.run_and_kill("ends", "600", seconds=2.0) == (None, [])
    assert command.leftovers() == []
    (tmp_path / "tmp" / f"{PREFIX}abc").mkdir()
    assert command.leftovers() == [str(tmp_path / "tmp" / f"{PREFIX}abc")]


@pytest.mark.slow
def test_a_command_that_ends_in_time_is_not_killed(tmp_path: Path) -> None:
    command = Command(tmp_path, (sys.executable, "-S", "-c", "import sys; print('said'); sys.exit(3)"))
    assert command.run_and_kill(seconds=30.0) == (3, [])
    assert command.run() == 3
    assert (tmp_path / "commands.log").read_text().count("said") == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [["--only", "Q9-9"], ["--faces", "/nowhere", "--profile", "report", "--only", "Q1-1"]]
)
def test_bad_usage(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_class.main(["--unsafe", "--out", str(tmp_path / "out"), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").touch()
    assert check_class.main(["--unsafe", "--profile", "mini", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: --out {tmp_path}: is not empty\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.slow
def test_an_option_that_class_does_not_have() -> None:
    with pytest.raises(SystemExit) as stop:
        check_class.main(["--resume"])
    assert stop.value.code == 2
