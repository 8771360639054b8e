"""The files that a module comes from."""

import pytest

from grading.running.sources import PACKAGE, sources


def test_imports_are_followed_into_functions_and_packages() -> None:
    found = sources("grading.running.training", "grading.worker.serve")
    # Each was missed once by a list of prefixes, or is imported inside a function, or from a package.
    for name in (
        "plan.py",
        "journal.py",
        "submissions.py",
        "data/generated.py",
        "probes/__init__.py",
        "training/loop.py",
    ):
        assert found[name] == PACKAGE / name
    for name in ("reporting/html.py", "front.py", "verdicts.py", "tests/conftest.py"):
        assert name not in found


def test_an_unknown_module() -> None:
    with pytest.raises(FileNotFoundError, match=r"grading\.no_such"):
        sources("grading.no_such")
