"""The catalogue of right and wrong modules is sound; the student API's tests vary every argument."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from grading.assignment.assignment import read_assignment
from grading.assignment.test_ids import listed_tests
from grading.checker.catalogue import CATALOGUE, Chaff, chaffs, chaffs_of, lessons, wheats
from grading.checker.outcomes import outcome_of
from grading.checker.trials import Failure, Task, Trial
from grading.commands import check_tests
from grading.protocol.submission import MODULES
from grading.tests.fresh_python import run_python

pytestmark = pytest.mark.slow

CHAFFS = list(chaffs())
WHEATS = list(wheats())


def run_tests(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["-m", "pytest", "-q", "-p", "no:xdist", "--benchmark-disable", *arguments]
    return run_python(*command, folder=repository)


def test_every_test_carries_its_question() -> None:
    assert set(listed_tests().values()) == {
        question.id for question in read_assignment().questions if question.test_points
    }


def test_the_catalogue_is_large_and_covers_every_module() -> None:
    assert len(WHEATS) >= 15
    assert len(CHAFFS) >= 120
    assert {wheat.module for wheat in WHEATS} == {chaff.module for chaff in CHAFFS} == set(MODULES)
    assert len({chaff.id for chaff in CHAFFS}) == len(CHAFFS)


@pytest.mark.parametrize("module", MODULES)
def test_every_chaff_is_one_change_of_a_wheat(module: str) -> None:
    for chaff in (chaff for chaff in CHAFFS if chaff.module == module):
        assert chaff.wheat in WHEATS, chaff.id
        assert chaff.wheat.source.count(chaff.replace) == 1, chaff.id
        changed = ast.parse(chaff.source)
        assert ast.dump(changed) != ast.dump(ast.parse(chaff.wheat.source)), chaff.id


@pytest.mark.parametrize("module", MODULES)
def test_every_lesson_has_its_tests_and_its_chaffs(module: str) -> None:
    of_module = [chaff for chaff in CHAFFS if chaff.module == module]
    table = tomllib.loads((CATALOGUE / "chaffs" / f"{module}.toml").read_text("utf-8"))
    assert {chaff.lesson.name for chaff in of_module} == set(lessons(table))
    for chaff in of_module:
        questions = {question for test, question in listed_tests().items() if chaff.lesson.test_matches(test)}
        assert chaff.question in questions, f"{chaff.id}: no test of {chaff.question} is {chaff.lesson.test}"
        assert chaff.lesson.hint.strip(), chaff.id


def killed(chaff: Chaff, test: str, question: str, message: str, kind: str = "FAIL") -> Trial:
    task = Task(chaff.name, chaff.module, chaff.source, (), chaff.question)
    return Trial(task, "finished", 0, Failure(test, question, kind, message), 1.0)


@pytest.fixture
def lesson_test() -> str:
    """The id of a test of the first chaff's lesson."""
    return next(test for test in listed_tests() if CHAFFS[0].lesson.test_matches(test))


def test_a_chaff_should_be_killed_by_its_lesson(lesson_test: str) -> None:
    chaff = CHAFFS[0]
    outcome = outcome_of(chaff, killed(chaff, lesson_test, chaff.question, f"hint:  {chaff.lesson.hint}"))
    assert not outcome.problem
    assert outcome.by_its_lesson


def test_a_chaff_that_is_killed_in_another_way_is_a_problem(lesson_test: str) -> None:
    chaff = CHAFFS[0]
    question, hint = chaff.question, chaff.lesson.hint
    assert "does not say" in outcome_of(chaff, killed(chaff, lesson_test, question, "hint:  no idea")).problem
    assert "killed only by" in outcome_of(chaff, killed(chaff, lesson_test, "Q9-9", hint)).problem
    assert "not by" in outcome_of(chaff, killed(chaff, "tests/test_x.py::test_x", question, "")).problem
    assert "GRADER_ERROR" in outcome_of(chaff, killed(chaff, lesson_test, question, "", "GRADER_ERROR")).problem


def test_a_chaff_that_survives_is_a_problem_and_a_wheat_that_does_is_none(lesson_test: str) -> None:
    chaff, wheat = CHAFFS[0], WHEATS[0]
    task = Task(chaff.name, chaff.module, chaff.source, ())
    assert outcome_of(chaff, Trial(task, "finished", 40, None, 1.0)).problem == "accepted"
    assert outcome_of(chaff, Trial(task, "died", 0, None, 1.0)).problem == "its process died"
    assert not outcome_of(wheat, Trial(task, "finished", 40, None, 1.0)).problem
    assert outcome_of(wheat, killed(chaff, lesson_test, chaff.question, "")).problem.startswith("refused")


@pytest.mark.parametrize(
    ("only", "status"), [("classes/gather", 0), ("classes/classes-dtype-uint8", 0), ("no/such", 2)]
)
def test_the_command_checks_one_module(repository: Path, tmp_path: Path, only: str, status: int) -> None:
    command = ["-m", "grading", "check_tests", "-j", "1", "--only", only, "--out", str(tmp_path)]
    done = run_python(*command, folder=repository)
    assert done.returncode == status, done.stdout + done.stderr
    if not status:
        results = json.loads((tmp_path / "checker.json").read_text("utf-8"))
        assert [trial["name"] for trial in results["trials"]] == [only]
        assert re.search(r"\| all \|", (tmp_path / "checker.md").read_text("utf-8"))


# A module of the reference whose functions record the arguments of each call: a text for each value.
RECORDING = """
import functools, inspect, json
from pathlib import Path
import torch
from solutions import {module} as reference
from solutions.{module} import *

CALLS = Path(__file__).with_name("calls.jsonl")
seen = set()

def plain(value):
    if isinstance(value, torch.Tensor):
        return f"{{value.dtype}} {{list(value.shape)}} {{value.is_contiguous()}} {{value.double().sum().item():.9g}}"
    if isinstance(value, torch.nn.Module):
        return f"{{value}} {{[p.requires_grad for p in value.parameters()]}} {{value.training}}"
    return repr(value)

def record(name, function):
    signature = inspect.signature(function)
    @functools.wraps(function)
    def recorded(*args, **kwargs):
        for parameter, value in signature.bind(*args, **kwargs).arguments.items():
            if parameter == "self" or inspect.ismethod(value):
                continue
            line = json.dumps([f"{module}.{{name}}", parameter, plain(value)])
            if line not in seen:
                seen.add(line)
                with CALLS.open("a") as calls:
                    calls.write(line + "\\n")
        return function(*args, **kwargs)
    return recorded

for name, function in list(vars(reference).items()):
    if inspect.isfunction(function) and function.__module__ == reference.__name__ and not name.startswith("_"):
        globals()[name] = record(name, function)
if hasattr(reference, "FCN8s"):
    class FCN8s(reference.FCN8s):
        __init__ = record("FCN8s", reference.FCN8s.__init__)
        forward = record("FCN8s.forward", reference.FCN8s.forward)
"""


def parameters(path: Path) -> set[tuple[str, str]]:
    """The arguments of all public functions of a module, except those that are functions: the course provides them."""
    arguments = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
            name = {"__init__": "FCN8s", "forward": "FCN8s.forward"}.get(node.name, node.name)
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                if argument.arg == "self":
                    continue
                assert argument.annotation is not None, f"{name}: {argument.arg} has no type"
                if "Callable" not in ast.unparse(argument.annotation):
                    arguments.add((f"{path.stem}.{name}", argument.arg))
    return arguments


def test_every_argument_of_every_function_is_varied(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    folder.mkdir()
    for module in MODULES:
        (folder / f"{module}.py").write_text(RECORDING.format(module=module), encoding="utf-8")
    done = run_tests(repository, "--impl", str(folder), "-k", "not (place or aligned or torchvision)")  # slow ones
    assert done.returncode == 0, done.stdout[-3000:]
    values: dict[tuple[str, str], set[str]] = {}
    for line in (folder / "calls.jsonl").read_text("utf-8").splitlines():
        function, parameter, value = json.loads(line)
        values.setdefault((function, parameter), set()).add(value)
    expected = set().union(*(parameters(repository / "hw4" / f"{module}.py") for module in MODULES))
    assert len(expected) > 25
    assert [argument for argument in sorted(expected) if len(values.get(argument, ())) < 2] == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"lesson": "unheard"}, "no lesson 'unheard' in classes.toml"),
        ({"wheat": "unheard"}, "there is no wheat 'unheard'"),
        ({"replace": "unheard of"}, "`replace` occurs 0 times in classes/"),
        ({"replace": "e"}, "times in classes/"),
    ],
)
def test_an_entry_that_cannot_be_used_is_told_in_one_line(
    change: dict[str, str], problem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tomllib.loads((CATALOGUE / "chaffs" / "classes.toml").read_text(encoding="utf-8"))
    table["chaff"] = [{**table["chaff"][0], **change}]
    monkeypatch.setattr("grading.commands.check_tests.chaffs", lambda: chaffs_of(table))
    assert check_tests.main(["--only", "classes/*"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: classes/{table['chaff'][0]['id']}: ")
    assert problem in error
    assert error.count("\n") == 1
