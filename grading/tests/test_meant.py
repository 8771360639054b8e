"""Mistyped commands: pytest does what the student meant, or one line says what to type."""

import os
import re
from pathlib import Path

import pytest

from grading import ROOT
from grading.running.meant import Meant, markers_of, what_was_meant
from grading.tests.fresh_python import run_python

HW4 = ROOT / "hw4"


def meant(*arguments: str, folder: Path = ROOT, places: int | None = None) -> Meant:
    """The meaning of arguments, the last of which are places (files, folders, test ids)."""
    count = sum(not argument.startswith("-") for argument in arguments) if places is None else places
    return what_was_meant(arguments, arguments[len(arguments) - count :], [], folder)


@pytest.mark.parametrize(
    ("typed", "folder", "arguments"),
    [
        (["hw4/classes.py"], ROOT, ["tests/test_classes.py"]),
        (["./hw4/classes.py::reduce_classes"], ROOT, ["tests/test_classes.py"]),
        (["solutions/fcn.py"], ROOT, ["tests/test_fcn.py", "--impl=solutions"]),
        (["hw4/heads.py", "hw4/fcn.py"], ROOT, ["tests/test_heads.py", "tests/test_fcn.py"]),
        (["hw4"], ROOT, []),
        (["solutions/"], ROOT, ["--impl=solutions"]),
        (["classes"], ROOT, ["tests/test_classes.py"]),
        (["hw4.classes"], ROOT, ["tests/test_classes.py"]),
        (["test_classes.py"], ROOT, ["tests/test_classes.py"]),
        (["tests/classes.py"], ROOT, ["tests/test_classes.py"]),
        (["test_classes.py::test_swap"], ROOT, ["tests/test_classes.py::test_swap"]),
        (["trainable_parameters"], ROOT, ["tests/test_freezing.py"]),
        (["FCN8s"], ROOT, ["tests/test_fcn.py"]),
        (["Q1-1"], ROOT, ["-m", "Q1-1"]),
        (["q2_3"], ROOT, ["-m", "q2_3"]),
        ([], HW4, []),
        (["classes.py"], HW4, ["tests/test_classes.py"]),
        (["tests/test_classes.py"], HW4, ["tests/test_classes.py"]),
        ([], ROOT / "solutions", ["--impl=solutions"]),
    ],
)
def test_places_that_hold_no_tests_are_replaced(typed: list[str], folder: Path, arguments: list[str]) -> None:
    result = meant(*typed, folder=folder)
    assert result.arguments == arguments
    assert result.in_root
    assert result.lines


@pytest.mark.parametrize(
    "typed", [[], ["tests"], ["tests/test_classes.py"], ["tests/test_classes.py::test_swap[uint8]"], ["grading/tests"]]
)
def test_right_arguments_stay(typed: list[str]) -> None:
    assert meant(*typed) == Meant(typed, [])


def test_options_and_their_values_stay() -> None:
    assert meant("--impl", "solutions", "-m", "q1_1", places=0) == Meant(["--impl", "solutions", "-m", "q1_1"], [])
    assert meant("--impl=other", "-x", "hw4/fcn.py", places=1).arguments == ["--impl=other", "-x", "tests/test_fcn.py"]
    # Which of the two is the place cannot be known.
    assert meant("-k", "classes", "classes", places=1).arguments == ["-k", "classes", "classes"]


@pytest.mark.parametrize(
    ("typed", "suggestion"), [("tests/test_clases.py", "test_classes"), ("metric", "test_metrics")]
)
def test_a_misspelt_place_is_answered_with_a_suggestion(typed: str, suggestion: str) -> None:
    with pytest.raises(pytest.UsageError, match=f"did you mean tests/{suggestion}.py"):
        meant(typed)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("Q1-1", "q1_1"),
        ("q1-1", "q1_1"),
        ("Q1_1", "q1_1"),
        ("q1.1 or not Q2-3", "q1_1 or not q2_3"),
        ("Q2", "(q2_1 or q2_3)"),
        ("q1_1 and seeded", "q1_1 and seeded"),
        ("", ""),
    ],
)
def test_questions_become_markers(typed: str, wanted: str) -> None:
    assert markers_of(typed) == wanted


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("q2_2", "Q2-2 is a discussion question: no tests"),
        ("Q1-4", "Q1-4 is a discussion question: no tests"),
        ("Q1-6", "Q1-6 has no tests of its own: `python grading/run_all.py hw4 --only Q1-6`"),
        ("q1_9", "there is no question Q1-9: -m takes q1_1, "),
        ("q3", "there is no part q3: -m takes q1_1, "),
        ("classes", "-m takes questions .*`pytest tests/test_classes.py`"),
    ],
)
def test_questions_without_tests_are_explained(typed: str, message: str) -> None:
    with pytest.raises(pytest.UsageError, match=message):
        markers_of(typed)


@pytest.mark.parametrize(
    ("folder", "typed", "status", "message"),
    [
        (".", ["--ful"], 4, "there is no option --ful: did you mean --full?"),
        (".", ["--imp=solutions"], 4, "there is no option --imp: did you mean --impl?"),
        (".", ["-m", "q2_2"], 4, "Q2-2 is a discussion question: no tests"),
        (".", ["-m", "q1_1 and q1_2"], 5, "No test was found. Type `pytest` for all"),
        ("docs", [], 5, "No test was found. Type `pytest` in "),
        ("hw4", ["-m", "Q1-2"], 1, r"Q1-2    0 of   6 tests"),
        ("solutions", ["-k", "Q1-2"], 0, r"Q1-2    6 of   6 tests"),
        (".", ["solutions/transfer.py", "-m", "q1_2"], 0, r"Q1-2    6 of   6 tests"),
    ],
)
@pytest.mark.slow
def test_pytest_runs_or_explains(repository: Path, folder: str, typed: list[str], status: int, message: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(repository)}
    command = ["-m", "pytest", "-p", "no:xdist", *typed]
    done = run_python(*command, folder=repository / folder, environment=environment)
    printed = done.stdout + done.stderr
    assert done.returncode == status, printed
    assert re.search(message, printed), printed
    assert status != 4 or len(printed.strip().splitlines()) == 1


@pytest.mark.slow
def test_other_projects_run_as_before(tmp_path: Path, repository: Path) -> None:
    """The plugin is loaded in all projects of the environment in which it is installed."""
    for name in ("classes.py", "test_it.py"):
        (tmp_path / name).write_text("def test_it():\n    pass\n")
    command = ["-m", "pytest", "-q", "-p", "grading.pytest_options", "-m", "not q2_2"]
    environment = os.environ | {"PYTHONPATH": str(repository)}
    done = run_python(*command, folder=tmp_path, environment=environment)
    assert "1 passed" in done.stdout
