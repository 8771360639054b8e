"""The catalogue of right and wrong modules is sound; the student API's tests are marked and vary every argument."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from grading.assignment.assignment import read_assignment
from grading.checker.catalogue import CATALOGUE, Chaff, chaffs, lessons, wheats
from grading.checker.outcomes import outcome_of
from grading.checker.trials import Failure, Task, Trial
from grading.protocol.submission import MODULES

pytestmark = pytest.mark.slow

CHAFFS = list(chaffs())
WHEATS = list(wheats())


def run_tests(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "--benchmark-disable", *arguments]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def collected(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Question by id, of every test of the student API."""
    records = tmp_path_factory.mktemp("collected") / "records"
    done = run_tests(repository, "--collect-only", f"--records={records}")
    assert done.returncode == 0, done.stdout
    return {line["test"]: line["question"] for line in map(json.loads, records.read_text("utf-8").splitlines())}


def test_every_test_carries_its_question(collected: dict[str, str]) -> None:
    assert set(collected.values()) == {question.id for question in read_assignment().questions if question.test_points}


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
def test_every_lesson_has_its_tests_and_its_chaffs(collected: dict[str, str], module: str) -> None:
    own = [chaff for chaff in CHAFFS if chaff.module == module]
    table = tomllib.loads((CATALOGUE / "chaffs" / f"{module}.toml").read_text("utf-8"))
    assert {chaff.lesson.name for chaff in own} == set(lessons(table))
    for chaff in own:
        questions = {question for test, question in collected.items() if chaff.lesson.test_matches(test)}
        assert chaff.question in questions, f"{chaff.id}: no test of {chaff.question} is {chaff.lesson.test}"
        assert chaff.lesson.hint.strip(), chaff.id


def killed(chaff: Chaff, test: str, question: str, message: str, kind: str = "FAIL") -> Trial:
    task = Task(chaff.name, chaff.module, chaff.source, (chaff.module,), chaff.question)
    return Trial(task, "finished", 0, Failure(test, question, kind, message), 1.0)


def test_a_chaff_is_judged(collected: dict[str, str]) -> None:
    chaff = CHAFFS[0]
    test = next(test for test in collected if chaff.lesson.test_matches(test))
    right = outcome_of(chaff, killed(chaff, test, chaff.question, f"hint:  {chaff.lesson.hint}"))
    assert not right.problem
    assert right.by_its_lesson
    assert "does not say" in outcome_of(chaff, killed(chaff, test, chaff.question, "hint:  no idea")).problem
    assert "killed only by" in outcome_of(chaff, killed(chaff, test, "Q9-9", chaff.lesson.hint)).problem
    assert "not by" in outcome_of(chaff, killed(chaff, "tests/test_x.py::test_x", chaff.question, "")).problem
    assert "GRADER_ERROR" in outcome_of(chaff, killed(chaff, test, chaff.question, "", "GRADER_ERROR")).problem
    task = Task(chaff.name, chaff.module, chaff.source, (chaff.module,))
    assert outcome_of(chaff, Trial(task, "finished", 40, None, 1.0)).problem == "accepted"
    assert outcome_of(chaff, Trial(task, "died", 0, None, 1.0)).problem == "its process died"
    assert not outcome_of(WHEATS[0], Trial(task, "finished", 40, None, 1.0)).problem
    assert outcome_of(WHEATS[0], killed(chaff, test, chaff.question, "")).problem.startswith("refused")


@pytest.mark.parametrize(
    ("only", "status"), [("classes/gather", 0), ("classes/classes-dtype-uint8", 0), ("no/such", 2)]
)
def test_the_command(repository: Path, tmp_path: Path, only: str, status: int) -> None:
    command = [sys.executable, "-m", "grading", "check_tests", "-j", "1", "--only", only, "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    if not status:
        results = json.loads((tmp_path / "checker.json").read_text("utf-8"))
        assert [trial["name"] for trial in results["trials"]] == [only]
        assert re.search(r"\| all \|", (tmp_path / "checker.md").read_text("utf-8"))


# A module of the reference whose functions note the arguments of each call, as far as they are plain or tensors.
NOTING = """
import functools, inspect, json
from pathlib import Path
import torch
from solutions import {module} as room
from solutions.{module} import *

NOTES = Path(__file__).with_name("notes.jsonl")
seen = set()

def plain(value):
    if isinstance(value, torch.Tensor):
        return f"{{value.dtype}} {{list(value.shape)}} {{value.is_contiguous()}} {{value.double().sum().item():.9g}}"
    if isinstance(value, torch.nn.Module):
        return f"{{value}} {{[p.requires_grad for p in value.parameters()]}} {{value.training}}"
    return repr(value)

def note(name, function):
    signature = inspect.signature(function)
    @functools.wraps(function)
    def noting(*args, **kwargs):
        for parameter, value in signature.bind(*args, **kwargs).arguments.items():
            if parameter == "self" or inspect.ismethod(value):
                continue
            line = json.dumps([f"{module}.{{name}}", parameter, plain(value)])
            if line not in seen:
                seen.add(line)
                with NOTES.open("a") as notes:
                    notes.write(line + "\\n")
        return function(*args, **kwargs)
    return noting

for name, function in list(vars(room).items()):
    if inspect.isfunction(function) and function.__module__ == room.__name__ and not name.startswith("_"):
        globals()[name] = note(name, function)
if hasattr(room, "FCN8s"):
    class FCN8s(room.FCN8s):
        __init__ = note("FCN8s", room.FCN8s.__init__)
        forward = note("FCN8s.forward", room.FCN8s.forward)
"""


def parameters(path: Path) -> set[tuple[str, str]]:
    """Every argument of every public function of a module, but functions that the course hands in."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
            name = {"__init__": "FCN8s", "forward": "FCN8s.forward"}.get(node.name, node.name)
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                if argument.arg == "self":
                    continue
                assert argument.annotation is not None, f"{name}: {argument.arg} has no type"
                if "Callable" not in ast.unparse(argument.annotation):
                    found.add((f"{path.stem}.{name}", argument.arg))
    return found


def test_every_argument_of_every_function_is_varied(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "noting"
    folder.mkdir()
    for module in MODULES:
        (folder / f"{module}.py").write_text(NOTING.format(module=module), encoding="utf-8")
    done = run_tests(repository, "--impl", str(folder))
    assert done.returncode == 0, done.stdout[-3000:]
    values: dict[tuple[str, str], set[str]] = {}
    for line in (folder / "notes.jsonl").read_text("utf-8").splitlines():
        function, parameter, value = json.loads(line)
        values.setdefault((function, parameter), set()).add(value)
    asked = set().union(*(parameters(repository / "hw4" / f"{module}.py") for module in MODULES))
    assert len(asked) > 25
    assert [which for which in sorted(asked) if len(values.get(which, ())) < 2] == []
