"""The options of the student's test run, as a plugin named in pyproject.toml.

A conftest.py would come too late: in `pytest --impl FOLDER` pytest takes FOLDER for a place to collect from until it
knows the option.
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--impl`, `--worker` and `--full`."""
    group = parser.getgroup("hw4")
    group.addoption(
        "--impl", default="hw4", help="implementation to test: a package or a folder (default: %(default)s)"
    )
    group.addoption("--worker", action="store_true", help="run the implementation in a process of its own")
    group.addoption("--full", action="store_true", help="show the tests' own tracebacks too")
