"""A function that does no work passes no test of the student API, and an answer of a wrong form breaks none."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grading import ROOT
from grading.assignment.test_ids import listed_tests
from grading.protocol.submission import MODULES
from grading.running.clean_pytest import command, environment
from tests.answers import FORMS, misfit


def records(plugin: str, profile: str, module: str, folder: Path) -> Iterator[dict[str, Any]]:
    """What a plugin writes about each test of a module."""
    notes = folder / "notes.jsonl"
    options = ["-q", "--impl=solutions", f"-pgrading.nightly.{plugin}", f"--hypothesis-profile={profile}", "--full"]
    variables = environment() | {plugin.upper(): str(notes)}
    done = subprocess.run(
        command([*options, f"tests/test_{module}.py"]),
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in notes.read_text("utf-8").splitlines()]
    tests = {test for test in listed_tests() if test.startswith(f"tests/test_{module}.py::")}
    assert {line["test"] for line in lines} == tests
    yield from lines


@pytest.mark.parametrize("module", MODULES)
def test_no_constant_and_no_stub_passes_a_test(module: str, tmp_path: Path) -> None:
    passed = {record["test"]: record["passed"] for record in records("lazy_answers", "first failure", module, tmp_path)}
    assert {test: names for test, names in passed.items() if names} == {}


@pytest.mark.parametrize("module", MODULES)
def test_an_answer_of_a_wrong_form_is_no_error_of_the_grader(module: str, tmp_path: Path) -> None:
    errors = {record["test"]: record["errors"] for record in records("wrong_forms", "one example", module, tmp_path)}
    assert {test: by_form for test, by_form in errors.items() if by_form} == {}


@pytest.mark.parametrize(
    ("value", "form", "got"),
    [
        (0.5, float, ""),
        ("0.5", float, "the answer is str '0.5' in place of float"),
        (True, int, "the answer is bool 'True' in place of int"),
        (2**70, int, "the answer is a huge number in place of int"),
        (None, [int], "the answer is None in place of a list"),
        ([[1]], [int], "the answer[0] is a list of 1 in place of int"),
        ({"a": 1}, {"b": int}, "the answer is a dict with a in place of a dict with b"),
        ([0.5], FORMS["fcn.forward_amplified"], "the answer is a list of 1 in place of an array of bool"),
    ],
)
def test_the_form_that_came_is_reported(value: Any, form: Any, got: str) -> None:
    assert misfit(value, form).startswith(got)
    assert bool(misfit(value, form)) == bool(got)
