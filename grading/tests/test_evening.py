"""The student's evening: a handout's stubs are filled one question at a time, and its tests follow."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from grading import ROOT
from grading.assignment.assignment import read_assignment
from grading.assignment.test_ids import listed_tests
from grading.platforms.handout.files import handout_files
from grading.platforms.handout.rehearsal import write_files
from grading.protocol.submission import MODULES
from grading.running.clean_pytest import environment

# Each line that it reads holds the arguments of one run, which is a fork: to import torch takes longer than the tests.
RUNS = """
import json, os, sys
sys.path.insert(0, os.getcwd())
from grading.running.pytest_server import preload
preload()
for line in sys.stdin:
    process = os.fork()
    if process == 0:
        import pytest
        *arguments, printed = json.loads(line)
        os.dup2(os.open(printed, os.O_WRONLY | os.O_CREAT), 1)
        status = int(pytest.main(arguments))
        sys.stdout.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""

QUESTIONS = [question.id for question in read_assignment().questions if question.test_points]
QUESTION = re.compile(r"Q\d-\d")
CASES = {"feature_extractor": "Q1-1", "finetuned": "Q1-2", "scratch": "Q1-3"}  # of build_case, whose stub names all


@pytest.fixture
def handout(tmp_path: Path) -> Path:
    folder = tmp_path / "handout"
    write_files(handout_files(ROOT), folder)
    return folder


class Student:
    """Works in a handout, with one Python for all runs of its tests.

    Attributes:
        filled: the questions that are done.
    """

    def __init__(self, handout: Path) -> None:
        self._handout = handout
        self.filled: list[str] = []
        self._python = subprocess.Popen(
            [sys.executable, "-c", RUNS],
            cwd=handout,
            env=environment() | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Student":
        return self

    def __exit__(self, *_: object) -> None:
        self._python.kill()
        self._python.communicate()

    def fill(self, question: str) -> list[str]:
        """Write what the reference has for a question into the stubs; returns the modules that are others now."""
        before = {module: filled(module, self.filled) for module in MODULES}
        self.filled.append(question)
        changed = [module for module in MODULES if filled(module, self.filled) != before[module]]
        for module in changed:
            file = self._handout / "hw4" / f"{module}.py"
            file.write_text(filled(module, self.filled), encoding="utf-8")
        return changed

    def run(self, modules: Sequence[str]) -> tuple[dict[str, str], dict[str, float]]:
        """The outcome of each test of some modules, and the points of each of their questions."""
        records, printed = self._handout / "records.jsonl", self._handout / "printed.txt"
        printed.unlink(missing_ok=True)
        files = [f"tests/test_{module}.py" for module in modules]
        arguments = ["-q", "-p", "_hypothesis_pytestplugin", f"--records={records}", *files, str(printed)]
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        self._python.stdin.write(json.dumps(arguments) + "\n")
        self._python.stdin.flush()
        assert self._python.stdout.readline().strip() in ("0", "1"), printed.read_text()
        entries = map(json.loads, records.read_text(encoding="utf-8").splitlines())
        outcomes = {entry["test"]: entry["outcome"] for entry in entries if "outcome" in entry}
        table = re.findall(r"^(Q\d-\d) .* tests +([\d.]+) of", printed.read_text(encoding="utf-8"), re.MULTILINE)
        return outcomes, {question: float(earned) for question, earned in table}


def filled(module: str, questions: list[str]) -> str:
    """The reference's module, in which the functions of other questions are still the stub's."""
    stub, reference = (ast.parse((ROOT / of / f"{module}.py").read_bytes()) for of in ("hw4", "solutions"))
    asked = {name: raised for name, function in functions(stub) if (raised := not_implemented(function)) is not None}
    for name, function in functions(reference):
        if name not in asked:
            continue  # one of the reference's own
        message = ast.unparse(asked[name])
        open_questions = set(QUESTION.findall(message)) - set(questions)
        if open_questions == set(QUESTION.findall(message)):
            function.body = [asked[name]]
        else:
            function.body = [without_open_case(statement, asked[name], open_questions) for statement in function.body]
    return ast.unparse(reference)


def without_open_case(statement: ast.stmt, raised: ast.Raise, open_questions: set[str]) -> ast.stmt:
    """A statement of `build_case`; if it builds the case of an open question, the student has not written it yet."""
    for case, question in CASES.items():
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == f"case == {case!r}":
            statement.body = [raised] if question in open_questions else statement.body
    return statement


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions and methods by name."""
    yield from ((node.name, node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def not_implemented(function: ast.FunctionDef) -> ast.Raise | None:
    """The statement by which a stub says that it is one."""
    raises = (statement for statement in function.body if isinstance(statement, ast.Raise))
    return next((each for each in raises if "NotImplementedError" in ast.unparse(each)), None)


@pytest.mark.slow
def test_each_question_turns_its_own_tests_green_and_no_others(handout: Path) -> None:
    with Student(handout) as student:
        outcomes, points = student.run(MODULES)
        assert set(outcomes) == set(listed_tests())
        assert points == dict.fromkeys(QUESTIONS, 0.0)
        for question in QUESTIONS:
            assert green(outcomes) == of_questions(*student.filled)
            changed = student.fill(question)
            some_outcomes, points = student.run(changed)  # the tests of the other modules would only say the same again
            outcomes |= some_outcomes
            assert green(outcomes) == of_questions(*student.filled)
            assert points[question] == read_assignment().question(question).test_points
            assert not any(points[other] for other in set(points) - set(student.filled))
        assert green(outcomes) == set(listed_tests())


def green(outcomes: Mapping[str, str]) -> set[str]:
    return {test for test, outcome in outcomes.items() if outcome == "PASS"}


def of_questions(*questions: str) -> set[str]:
    return {test for test, question in listed_tests().items() if question in questions}
