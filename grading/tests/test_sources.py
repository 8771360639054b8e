"""The files that a module comes from."""

import pytest

from grading import PACKAGE
from grading.protocol.sources import sources


def test_imports_are_followed_into_functions_and_packages() -> None:
    found = sources("grading.running.training", "grading.worker.serve")
    # Each was missed once by a list of prefixes, or is imported inside a function, or from a package.
    for name in (
        "running/plan.py",
        "scoring/epochs.py",
        "protocol/submission.py",
        "data/generated.py",
        "worker/__init__.py",
        "worker/training/loop.py",
    ):
        assert found[name] == PACKAGE / name
    for name in ("reporting/html.py", "commands/grade.py", "verdicts/verdict.py", "tests/conftest.py"):
        assert name not in found


def test_an_unknown_module() -> None:
    with pytest.raises(FileNotFoundError, match=r"grading\.no_such"):
        sources("grading.no_such")
