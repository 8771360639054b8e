"""The options of the student's test run, as a plugin.

A conftest.py would come too late: in `pytest --impl FOLDER` pytest takes FOLDER for a place to collect from until it
knows the option, and looks there for its configuration.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = ROOT / "pyproject.toml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--impl`, `--sandbox`, `--unsafe`, `--records` and `--full`."""
    group = parser.getgroup("hw4")
    group.addoption(
        "--impl", default="hw4", help="implementation to test: a package or a folder (default: %(default)s)"
    )
    group.addoption("--sandbox", action="store_true", help="run the implementation in a sandboxed process of its own")
    group.addoption("--unsafe", action="store_true", help="with --sandbox, where none works: run it unconfined")
    group.addoption("--records", metavar="FILE", help="write the outcome of every test there, as JSON lines")
    group.addoption("--full", action="store_true", help="show the tests' own tracebacks too")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start over with this repository's configuration where pytest took that of the implementation, or none."""
    invocation = early_config.invocation_params
    chosen = early_config.known_args_namespace.inifilename
    if chosen is None and Path(invocation.dir).resolve() == ROOT and early_config.inipath != CONFIGURATION:
        raise SystemExit(pytest.main(["-c", str(CONFIGURATION), *map(str, invocation.args)]))
