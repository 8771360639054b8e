"""Stubs and reference have the same interface, and the tests tell them apart."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from grading.protocol.submission import MODULES
from grading.tests.fresh_python import run_python

pytestmark = pytest.mark.slow


def interface(path: Path) -> dict[str, tuple[str, str | None]]:
    """Signature and docstring of everything public in a module."""
    public: dict[str, tuple[str, str | None]] = {}

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
                returns = ast.unparse(node.returns) if node.returns else ""
                public[prefix + node.name] = (
                    f"({ast.unparse(node.args)}) -> {returns}",
                    ast.get_docstring(node),
                )
            if isinstance(node, ast.ClassDef):
                public[prefix + node.name] = (", ".join(map(ast.unparse, node.bases)), ast.get_docstring(node))
                visit(node.body, f"{prefix}{node.name}.")

    visit(ast.parse(path.read_text(encoding="utf-8")).body, "")
    return public


@pytest.mark.parametrize("module", MODULES)
def test_same_signatures_and_docstrings(repository: Path, module: str) -> None:
    stubs, reference = (interface(repository / package / f"{module}.py") for package in ("hw4", "solutions"))
    assert stubs == reference
    assert stubs
    for name, (_, docstring) in stubs.items():
        if not name.endswith(("__init__", "forward")):
            assert re.search(r"\(Q\d-\d", docstring or ""), f"{name} names no question"


def student_tests(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "pytest", "-q", "--benchmark-disable", *arguments, folder=repository)


def test_one_question_by_its_marker(repository: Path) -> None:
    done = student_tests(repository, "--impl", "solutions", "-m", "q1_3")
    assert done.returncode == 0
    assert re.findall(r"^(Q\d-\d) ", done.stdout, re.MULTILINE) == ["Q1-3"]


def test_the_same_tests_across_a_process_boundary(repository: Path) -> None:
    done = student_tests(repository, "--impl", "solutions", "--sandbox", "--unsafe", "-m", "q1_2")
    assert done.returncode == 0, done.stdout
    done = student_tests(repository, "--sandbox", "--unsafe", "-m", "q1_2")
    assert done.returncode == 1
    assert "write build_case in transfer.py" in done.stdout


def test_an_implementation_anywhere(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "handed in"
    shutil.copytree(repository / "solutions", folder)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    for option in (["--impl", str(folder)], [f"--impl={folder}"]):
        done = student_tests(repository, *option, "-m", "q1_3")
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"Q1-3 +(\d+) of +\1 tests", done.stdout)


def test_an_unknown_implementation(repository: Path) -> None:
    done = student_tests(repository, "--impl", "no_such_package")
    assert done.returncode == 4
    assert "no_such_package: neither a folder nor an importable package" in done.stderr


def test_failures_of_other_tests_are_shown_as_usual(repository: Path, tmp_path: Path) -> None:
    """As when the grader's own tests run in the same command."""
    (tmp_path / "test_other.py").write_text("def test_other():\n    assert 1 == 2\n")
    files = ["tests/test_classes.py", str(tmp_path / "test_other.py")]
    for implementation, is_told_what_to_do in (("solutions", False), ("hw4", True)):
        done = student_tests(repository, "--impl", implementation, *files, "-k", "swap or other")
        assert done.returncode == 1
        assert "assert 1 == 2" in done.stdout, done.stdout + done.stderr
        assert ("what to do next" in done.stdout) == is_told_what_to_do


def test_the_last_output_is_the_points_table(repository: Path) -> None:
    done = student_tests(repository, "--impl", "solutions", "-m", "q1_3")
    assert re.search(r"Q1-3 +(\d+) of +\1 tests +2\.50 of +2\.50 points\nA part of the tests ran", done.stdout)
