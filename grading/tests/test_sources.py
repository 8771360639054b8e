"""`sources` lists the files that a module and its imports come from."""

import pytest

from grading import PACKAGE
from grading.protocol.sources import sources


def test_imports_are_followed_into_functions_and_packages() -> None:
    files = sources("grading.running.training", "grading.worker.serve")
    # Easily missed: imported inside a function, or from a package, or outside the usual folders.
    for name in (
        "running/plan.py",
        "scoring/epochs.py",
        "protocol/submission.py",
        "data/generated.py",
        "worker/__init__.py",
        "worker/training/loop.py",
    ):
        assert files[name] == PACKAGE / name
    for name in ("reporting/html.py", "commands/grade.py", "verdicts/verdict.py", "tests/conftest.py"):
        assert name not in files


def test_an_unknown_module_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match=r"grading\.no_such"):
        sources("grading.no_such")
