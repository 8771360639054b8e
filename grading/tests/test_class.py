"""The class command: exit statuses, what is kept, what one submission costs the others, and how it stops."""

import csv
import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grading.classroom import class_run
from grading.classroom.gradebook_folder import GradebookFolder
from grading.commands.class_ import parse, stubs
from grading.data.arrays import DataError
from grading.intake.hand_in import HandIn
from grading.intake.unpack import unpack
from grading.protocol.submission import Submission
from grading.reporting.gradebook.write import write_class
from grading.running import grading
from grading.running.plan import Plan
from grading.running.resolve import make_plan
from grading.tests.class_world import ClassWorld, IdleWorker
from grading.tests.waiting import wait_until

pytestmark = pytest.mark.slow  # it makes the pictures of the mini profile

GRADEBOOK_FILES = {"gradebook.csv", "canvas.csv", "class.html", "marks.csv", "changes.csv"}
STUDENT_FILES = {
    *("history.csv", "journal.jsonl", "junit.xml", "report.html", "results.json", "student.html", "worker.log"),
}
CONFIGURATIONS = {"Q2-3-merged", "Q2-3-first-three"}


@pytest.fixture
def world(few_pictures: None, interruptible: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClassWorld:
    """A class that hands in nothing yet. Nothing is calibrated, so a submission may pass by the published figures."""
    world = ClassWorld(tmp_path / "class", tmp_path / "book")
    monkeypatch.setattr("grading.running.local_engine.train_and_score", world.train)
    monkeypatch.setattr("grading.running.local_engine.open_worker", IdleWorker)
    monkeypatch.setattr("grading.running.local_engine.PytestServer", world.server)
    for user in ("classroom.class_run", "commands.class_"):
        monkeypatch.setattr(f"grading.{user}.with_weights", lambda plan, *_: plan)
    for user in ("reporting.collect", "running.needed", "running.plan", "running.resolve"):
        monkeypatch.setattr(f"grading.{user}.read_calibration", lambda _: None)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return world


def three(world: ClassWorld) -> None:
    """Two right submissions and a wrong one between them."""
    world.hand_in("ada")
    world.hand_in_wrong("bob")
    world.hand_in("cyd")


def trainings_of(*students: str) -> Counter[str]:
    """How often each student's submission is trained: both configurations, and a control."""
    return Counter(dict.fromkeys(students, 3))


def trained(world: ClassWorld) -> Counter[str]:
    assert len(set(world.trained)) == len(world.trained), "nothing is trained twice"
    return Counter(student for student, _, _ in world.trained)


def needs_a_person(world: ClassWorld, student: str) -> str:
    return world.rows()[student]["needs_a_person"]


def expect_clean(world: ClassWorld) -> None:
    """No temporary folder and no half of a file is left, once the threads of a stopped run have ended."""
    folders = world.submissions.parent / "tmp"
    assert wait_until(lambda: not any(thread.name.startswith("ThreadPool") for thread in threading.enumerate()), 40)
    assert wait_until(lambda: not list(folders.iterdir()), 10), list(folders.iterdir())
    assert [path for path in world.book.rglob("*") if path.name.endswith((".part", ".parts"))] == []


def expect_whole(world: ClassWorld) -> None:
    """The gradebook of `three`."""
    assert {student: world.total(student) for student in world.rows()} == {"ada": "10", "bob": "4.91", "cyd": "10"}
    expect_clean(world)


# --- What is shown --------------------------------------------------------------------------------------------------


def shown(world: ClassWorld, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    capsys.readouterr()
    world.grade(*options)
    return capsys.readouterr().out.splitlines()


def test_each_submission_is_told_and_how_long_the_others_take(
    world: ClassWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    three(world)
    lines = shown(world, capsys)
    told = [line for line in lines if line.startswith("[")]
    assert [line[:5] for line in told] == ["[1/3]", "[2/3]", "[3/3]"]
    assert [bool(re.search(r"; about [\d.]+ (s|min|h) left$", line)) for line in told] == [True, True, False]
    assert lines[-1] == f"report: {world.book / 'class.html'}"


def test_a_quiet_class_shows_what_is_wrong_and_the_end(world: ClassWorld, capsys: pytest.CaptureFixture[str]) -> None:
    three(world)
    (world.submissions / "dan.zip").write_text("no archive")
    fault, count, last = shown(world, capsys, "--quiet")
    assert re.match(r"\[\d/4\] dan: not graded: ", fault)
    assert count == "4 submissions; 1 of them needs a person"
    assert last == (
        f"report: {world.book / 'class.html'}; next: see there why dan needs a person, and write points into marks.csv"
    )


def test_a_class_in_detail(world: ClassWorld, capsys: pytest.CaptureFixture[str]) -> None:
    three(world)
    text = "\n".join(shown(world, capsys, "-v"))
    assert len(re.findall(r"^(ada|cyd): Q2-3-merged seed 0: miou_standard 0\.\d{4} \(0 s\)$", text, re.MULTILINE)) == 2
    assert len(re.findall(r"^bob: FAIL Q2-3-merged: tests/test_classes.py::", text, re.MULTILINE)) == 1


# --- Exit statuses, and what is written ----------------------------------------------------------------------------


def test_a_class_in_which_nobody_needs_a_person(world: ClassWorld) -> None:
    three(world)
    assert world.grade() == 0
    expect_whole(world)
    assert {path.name for path in world.book.iterdir()} == {*GRADEBOOK_FILES, ".last.json", "ada", "bob", "cyd"}
    for student in world.rows():
        assert {path.name for path in (world.book / student).iterdir()} >= STUDENT_FILES
    assert world.verdicts("bob") == dict.fromkeys(CONFIGURATIONS, "FAIL")
    assert trained(world) == trainings_of("ada", "cyd"), "a failed test decides without a training"


def test_a_submission_that_cannot_be_graded_needs_a_person(world: ClassWorld) -> None:
    world.hand_in("ada")
    (world.submissions / "bob.zip").write_text("no archive")
    assert world.grade() == 3
    assert (world.total("ada"), world.total("bob")) == ("10", "0")
    assert (world.fault("ada"), world.fault("bob")) == (None, "submission")
    expect_clean(world)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only-students", "ada,bobb"], "nobody is called bobb; do you mean bob?"),
        (["--rerun", "eve"], "nobody is called eve; there are ada, bob, cyd"),
        (["--address", "auto"], "--address: give --engine ray, too"),
        (["--only", "Q9-9"], "--only Q9-9: choose from"),
        (["--profile", "report", "--faces", "/nowhere", "--camvid", "/nowhere"], "/nowhere"),
        (["--canvas", "/nowhere.csv"], "/nowhere.csv"),
    ],
)
def test_bad_usage(options: list[str], message: str, world: ClassWorld, capsys: pytest.CaptureFixture[str]) -> None:
    three(world)
    assert world.grade(*options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not world.book.exists()
    assert (world.tested, world.trained) == ([], [])


@pytest.mark.parametrize("place", [".", "book", "ada/book"])
def test_a_gradebook_among_the_submissions(place: str, world: ClassWorld, capsys: pytest.CaptureFixture[str]) -> None:
    three(world)
    before = sorted(world.submissions.rglob("*"))
    world.book = world.submissions / place
    assert world.grade() == 2
    assert "lies in SUBMISSIONS" in capsys.readouterr().err
    assert sorted(world.submissions.rglob("*")) == before


def test_no_such_folder(world: ClassWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.grade() == 2
    assert capsys.readouterr().err == f"error: {world.submissions} does not exist\n"
    world.submissions.mkdir()
    assert world.grade() == 2
    assert "nothing was handed in there" in capsys.readouterr().err


def test_an_engine_that_is_not_installed(
    world: ClassWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    three(world)
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "grading.running.ray_engine", raising=False)
    assert world.grade("--engine", "ray") == 2
    assert capsys.readouterr().err == 'error: --engine ray: Ray is not installed: pip install -e ".[ray]"\n'


def test_a_gradebook_in_use(world: ClassWorld, capsys: pytest.CaptureFixture[str]) -> None:
    three(world)
    other = GradebookFolder(world.book)
    assert world.grade() == 2
    assert capsys.readouterr().err == f"error: {world.book} is in use: another run is at work on this gradebook\n"
    del other
    assert world.grade() == 0


def test_weights_that_cannot_be_had(
    world: ClassWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no fault of any submission."""

    def missing(*_: object) -> Plan:
        raise DataError("no weights of alexnet")

    three(world)
    monkeypatch.setattr("grading.commands.class_.with_weights", missing)
    assert world.grade() == 2
    assert capsys.readouterr().err == "error: no weights of alexnet\n"
    assert [path.name for path in world.book.iterdir()] == []


def test_marks_that_cannot_be_read(world: ClassWorld, capsys: pytest.CaptureFixture[str]) -> None:
    three(world)
    assert world.grade() == 0
    rows = ["ada,Q2-4,discussion,10,many,,", "eve,Q2-4,discussion,10,1,,", "bob,Q2-4,discussion,10,99,,"]
    text = "\n".join(["student,item,kind,max_points,points,comment,about", *rows, ""])
    (world.book / "marks.csv").write_text(text)
    capsys.readouterr()
    assert world.grade() == 2
    assert (world.book / "marks.csv").read_text() == text
    first, second = capsys.readouterr().err.splitlines()
    assert "line 2" in first
    assert "line 4" in second
    assert (world.tested, world.trained) == ([], [])


# --- What is kept ---------------------------------------------------------------------------------------------------


def test_the_second_time_nothing_is_done_anew(world: ClassWorld) -> None:
    three(world)
    world.grade()
    before = {name: (world.book / name).read_bytes() for name in ("gradebook.csv", "canvas.csv", "marks.csv")}
    assert world.grade() == 0
    assert (world.tested, world.trained) == ([], [])
    assert {name: (world.book / name).read_bytes() for name in before} == before
    assert world.rows("changes.csv") == {}
    expect_whole(world)


def test_only_a_changed_submission_is_graded_anew(world: ClassWorld) -> None:
    three(world)
    world.grade()
    world.hand_in("bob")
    assert world.grade() == 0
    assert world.tested == ["bob"]
    assert trained(world) == trainings_of("bob")
    ((student, change),) = world.rows("changes.csv").items()
    assert student == "bob"
    assert [change[name] for name in ("question", "before", "after", "difference")] == ["Q2-3", "4.91", "10", "5.09"]
    assert change["through"].startswith("submission changed; test tests/test_classes.py::")
    assert "Q2-3-merged FAIL -> PASS" in change["through"]


def test_after_a_changed_threshold_only_verdicts_change(world: ClassWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    three(world)
    world.grade()
    raise_thresholds(monkeypatch)
    assert world.grade() == 3
    assert (world.tested, world.trained) == ([], [])
    assert world.verdicts("ada") == dict.fromkeys(CONFIGURATIONS, "REVIEW")
    changes = world.rows("changes.csv")
    assert set(changes) == {"ada", "cyd"}
    assert "Q2-3-merged PASS -> REVIEW" in changes["ada"]["through"]


def test_after_a_change_of_the_training_code_all_is_trained_anew(
    world: ClassWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(world)
    world.grade()
    monkeypatch.setattr("grading.running.plan.history_code", lambda: "another one")
    assert world.grade() == 0
    assert world.tested == []
    assert trained(world) == trainings_of("ada", "cyd")
    assert (world.book / "ada" / "journal-before.jsonl").is_file()
    expect_whole(world)


def raise_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    """No training reaches what is asked for any more, so a person decides."""
    options = parse(["-", "--out", "-", "--unsafe", "--profile", "mini", "--only", "Q2-3"])
    assignment = make_plan(options, stubs()).assignment
    mini = replace(assignment.profiles["mini"], margin=-1.0)
    changed = replace(assignment, profiles={**assignment.profiles, "mini": mini})
    monkeypatch.setattr("grading.running.resolve.read_assignment", lambda: changed)


def test_more_questions_keep_the_trainings_of_the_first(world: ClassWorld) -> None:
    three(world)
    world.grade()
    world.grade("--only", "Q2-1,Q2-3")
    assert not CONFIGURATIONS & {id for _, id, _ in world.trained}
    assert {id for _, id, _ in world.trained} >= {"Q2-1-skips", "Q2-1-no-skips"}
    world.grade("--only", "Q2-3")
    assert world.trained == []
    assert not list(world.book.glob("*/journal-before.jsonl"))


def test_only_some_students(world: ClassWorld) -> None:
    three(world)
    world.grade("--only-students", "cyd")
    assert set(world.tested) == set(trained(world)) == {"cyd"}
    assert world.total("cyd") == "10"
    for student in ("ada", "bob"):
        assert needs_a_person(world, student) == "not graded: no run has come to it yet"
    world.grade("--only-students", "ada,bob")
    assert set(world.tested) == {"ada", "bob"}
    assert world.grade() == 0
    assert (world.tested, world.trained) == ([], [])
    expect_whole(world)


def test_students_are_named_in_any_case_and_spelling(world: ClassWorld) -> None:
    world.hand_in("N\u00fa\u00f1ez")
    world.hand_in("ada")
    assert world.grade("--only-students", "nu\u0301n\u0303EZ,ADA") == 0
    assert set(world.tested) == {"N\u00fa\u00f1ez", "ada"}


def test_a_stopped_grading_takes_no_points_away(world: ClassWorld) -> None:
    """Neither in the gradebook, where cells are empty, nor in Canvas, whose rows keep what they have."""
    three(world)
    assert world.grade() == 0
    canvas = world.submissions.parent / "canvas.csv"
    canvas.write_text("Student,ID,HW4 (1)\n    Points Possible,,10\nada,1,10\nbob,2,4.91\n")

    def stop(student: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    world.before_tests = stop
    options = ["--canvas", str(canvas), "--canvas-column", "HW4 (1)"]
    assert world.grade("--rerun", "ada", "--only-students", "ada", *options) == 3
    assert world.rows()["ada"]["Q2-3"] == world.total("ada") == ""
    assert needs_a_person(world, "ada") != ""
    assert (world.book / "canvas.csv").read_text().splitlines()[2:] == ["ada,1,10", "bob,2,4.91"]


def test_rerun_keeps_nothing_of_a_student(world: ClassWorld) -> None:
    three(world)
    world.grade()
    assert world.grade("--rerun", "ada") == 0
    assert world.tested == ["ada"]
    assert trained(world) == trainings_of("ada")
    expect_whole(world)


def test_a_persons_marks_count(world: ClassWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    raise_thresholds(monkeypatch)
    three(world)
    assert world.grade() == 3
    file = world.book / "marks.csv"
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    assert {(row["student"], row["item"]) for row in rows} == {(s, id) for s in ("ada", "cyd") for id in CONFIGURATIONS}
    for row in rows:
        row["points"] = "0.5" if row["student"] == "ada" else row["max_points"]
    text = StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    file.write_text(text.getvalue())
    assert world.grade() == 0, "nobody is needed any more"
    assert (world.tested, world.trained) == ([], [])
    assert (world.total("ada"), world.total("cyd")) == ("6", "10")
    assert "mark of Q2-3-merged none -> 0.5" in world.rows("changes.csv")["ada"]["through"]
    assert world.grade() == 0, "and the marks stay"
    assert (world.total("ada"), world.total("cyd")) == ("6", "10")


# --- What one submission costs the others ---------------------------------------------------------------------------


@pytest.mark.parametrize("journal", [b"{\n", b"\xff\xfe\n", b"[1]\n", b"\0" * 5000, b"{}\n{}\n"])
def test_a_damaged_journal_costs_one_submission(journal: bytes, world: ClassWorld) -> None:
    three(world)
    world.grade()
    (world.book / "cyd" / "journal.jsonl").write_bytes(journal)
    assert world.grade() == 0
    assert trained(world) == trainings_of("cyd")
    assert world.tested == [], "its tests are still known"
    expect_whole(world)


def test_a_cut_off_journal_costs_one_training(world: ClassWorld) -> None:
    three(world)
    world.grade()
    journal = world.book / "cyd" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-10])
    assert world.grade() == 0
    assert len(world.trained) == 1
    expect_whole(world)


@pytest.mark.parametrize("records", [b"", b"{}\n", b"\xff\n", b'{"conditions": "other"}\n'])
def test_damaged_records_cost_the_tests_of_one_submission(records: bytes, world: ClassWorld) -> None:
    three(world)
    world.grade()
    (world.book / "cyd" / "tests.jsonl").write_bytes(records)
    assert world.grade() == 0
    assert world.tested == ["cyd"]
    assert world.trained == []
    expect_whole(world)


@pytest.mark.parametrize(
    ("module", "place"),
    [
        *((class_run, name) for name in ("unpack", "journal_of_this", "results_of", "write_results")),
        *((grading, name) for name in ("needed_tests", "ready")),
    ],
)
def test_an_error_of_the_grader_costs_one_submission(
    module: ModuleType,
    place: str,
    world: ClassWorld,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A function of the grader raises whenever it is called for bob."""
    three(world)
    right = getattr(module, place)

    def wrong(*arguments: Any, **others: Any) -> Any:
        subjects = [getattr(each, "plan", each) for each in arguments]
        if any(
            "bob" in (getattr(s, "student", ""), getattr(getattr(s, "submission", s), "name", "")) for s in subjects
        ):
            raise RuntimeError("odd")
        return right(*arguments, **others)

    monkeypatch.setattr(module, place, wrong)
    assert world.grade() == 3
    expect_only_bob_is_missing(world)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(module, place, right)
    assert world.grade() == 0
    expect_whole(world)


@pytest.mark.parametrize("job", ["before_tests", "before_training"])
def test_an_error_in_a_job_costs_one_submission(job: str, world: ClassWorld) -> None:
    def wrong(student: str) -> None:
        if student == "bob":
            raise RuntimeError("odd")

    for student in ("ada", "bob", "cyd"):
        world.hand_in(student)
    setattr(world, job, wrong)
    assert world.grade() == 3
    expect_only_bob_is_missing(world)


def expect_only_bob_is_missing(world: ClassWorld) -> None:
    assert [world.fault(student) for student in ("ada", "bob", "cyd")] == [None, "grader", None]
    assert (world.total("ada"), world.total("cyd")) == ("10", "10")
    assert "the grader failed: RuntimeError: odd" in needs_a_person(world, "bob")
    expect_clean(world)


@pytest.mark.parametrize("name", ["", "results.json", "journal.jsonl", "tests.jsonl", "worker.log"])
def test_what_lies_in_the_way_costs_one_submission(name: str, world: ClassWorld) -> None:
    """A file in place of a student's folder, or a folder in place of one of its files."""
    three(world)
    place = world.book / "bob" / name
    if name:
        place.mkdir(parents=True)
    else:
        world.book.mkdir()
        place.write_text("")
    assert world.grade() in (0, 3)
    assert (world.total("ada"), world.total("cyd")) == ("10", "10")
    expect_clean(world)


# --- Stops ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("job", ["before_tests", "before_training"])
def test_a_signal_stops_it_and_it_goes_on(number: signal.Signals, job: str, world: ClassWorld) -> None:
    three(world)
    stopped = threading.Event()

    def stop(student: str) -> None:
        if student == "cyd":
            done = [world.book / other / "results.json" for other in ("ada", "bob")]
            wait_until(lambda: all(path.is_file() for path in done), 30)
            os.kill(os.getpid(), number)
            stopped.wait(30)

    setattr(world, job, stop)
    assert world.grade() == 3
    stopped.set()
    setattr(world, job, lambda _: None)
    assert set(world.rows()) == {"ada", "bob", "cyd"}
    assert world.total("ada") == "10"
    assert set(world.verdicts("cyd").values()) == {"INCOMPLETE"}
    assert world.grade() == 0
    assert set(world.tested) <= {"cyd"}
    assert set(trained(world)) == {"cyd"}, "what had ended is not trained again"
    expect_whole(world)


def test_results_are_written_before_the_time_limit(world: ClassWorld) -> None:
    three(world)
    stopped = threading.Event()
    world.before_training = lambda student: student == "cyd" and stopped.wait(30)
    start = time.time()
    assert world.grade("--time-limit", "10s") == 3
    stopped.set()
    assert max((world.book / name).stat().st_mtime for name in GRADEBOOK_FILES) < start + 10
    assert set(world.verdicts("cyd").values()) == {"INCOMPLETE"}
    assert world.grade("--time-limit", "1h") == 0
    expect_whole(world)


def test_a_signal_while_the_gradebook_is_written_changes_nothing(
    world: ClassWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(world)

    def stopped_in_between(*arguments: Any) -> list[str]:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            os.kill(os.getpid(), number)
        return write_class(*arguments)

    monkeypatch.setattr("grading.commands.class_.write_class", stopped_in_between)
    assert world.grade() == 0
    expect_whole(world)


@pytest.fixture
def stopped_while_unpacking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run is stopped while cyd's submission is being unpacked, which goes on until the test has ended."""
    stopped = threading.Event()

    def slow(hand_in: HandIn, folder: Path) -> Submission:
        if hand_in.student == "cyd":
            os.kill(os.getpid(), signal.SIGTERM)
            stopped.wait(1)
        return unpack(hand_in, folder)

    with monkeypatch.context() as patches:
        patches.setattr(class_run, "unpack", slow)
        yield
    stopped.set()


@pytest.mark.usefixtures("stopped_while_unpacking")
def test_what_begins_too_late_leaves_nothing(world: ClassWorld) -> None:
    three(world)
    assert world.grade() == 3
    assert "no run has come to it yet" in needs_a_person(world, "cyd")
    expect_clean(world)


def test_a_stopped_run_is_not_whole_though_an_earlier_one_was(
    world: ClassWorld, request: pytest.FixtureRequest
) -> None:
    """cyd has handed in again. What stands in the gradebook is about the submission before."""
    three(world)
    assert world.grade() == 0
    world.hand_in_wrong("cyd")
    request.getfixturevalue("stopped_while_unpacking")
    assert world.grade() == 3
    assert world.total("cyd") == "10"
    expect_clean(world)


# --- A full disk ---------------------------------------------------------------------------------------------------


def full(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere")


@pytest.mark.parametrize(
    "place",
    [
        "grading.sandbox.locked_folder.tempfile.mkdtemp",
        "grading.intake.unpack.Path.write_bytes",
        "grading.running.journal.os.fsync",
        "grading.running.api_tests.write_whole",
        "grading.reporting.write.write_whole",
        "grading.reporting.gradebook.write.write_whole",
        "grading.classroom.gradebook_folder.write_whole",
    ],
)
def test_a_full_disk_ends_it_with_one_line(
    place: str, world: ClassWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    three(world)
    with monkeypatch.context() as disk:
        disk.setattr(place, full)
        assert world.grade() == 2
    assert capsys.readouterr().err == "error: /somewhere: no space left; make some, and give the same command again\n"
    expect_readable(world)
    assert world.grade() == 0
    expect_whole(world)


def expect_readable(world: ClassWorld) -> None:
    """What was written is whole."""
    expect_clean(world)
    for file in world.book.glob("**/*.json"):
        json.loads(file.read_text())
    for file in world.book.glob("**/*.jsonl"):
        assert file.read_bytes()[-1:] in (b"", b"\n")


@pytest.fixture
def small_disk(world: ClassWorld) -> Iterator[Callable[[str], None]]:
    """Puts the gradebook on a disk of its own; called with its size, the first time and later."""
    world.book.mkdir()

    def resize(size: str) -> None:
        again = ["-o", f"remount,size={size}"] if os.path.ismount(world.book) else ["-o", f"size={size}"]
        mounted = subprocess.run(["mount", "-t", "tmpfs", *again, "none", str(world.book)], capture_output=True)
        if mounted.returncode:
            pytest.skip("this process may not mount a disk")

    yield resize
    if os.path.ismount(world.book):
        subprocess.run(["umount", "-l", str(world.book)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="it mounts a tmpfs")
@pytest.mark.parametrize("kib", [4, 16, 32, 64, 96, 128])
def test_a_disk_that_fills_up(
    kib: int, world: ClassWorld, small_disk: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    small_disk(f"{kib}k")
    three(world)
    assert world.grade() == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"error: \S+: no space left; make some, and give the same command again\n", error)
    expect_readable(world)
    small_disk("20m")
    assert world.grade() == 0
    expect_whole(world)
