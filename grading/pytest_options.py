"""The options of the student's test run, as a plugin.

A conftest.py would come too late: in `pytest --impl FOLDER` pytest takes FOLDER for a place to collect from until it
knows the option, and looks there for its configuration.
"""

import os
import sys
from pathlib import Path

import pytest

from grading import ROOT

CONFIGURATION = ROOT / "pyproject.toml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--impl`, `--sandbox`, `--unsafe`, `--records` and `--full`."""
    group = parser.getgroup("hw4")
    group.addoption(
        "--impl", default="hw4", help="implementation to test: a package or a folder (default: %(default)s)"
    )
    group.addoption("--sandbox", action="store_true", help="run the implementation in a sandboxed process of its own")
    group.addoption("--unsafe", action="store_true", help="with --sandbox, if none works: run it unconfined")
    group.addoption("--records", metavar="FILE", help="write the outcome of every test there, as JSON lines")
    group.addoption("--full", action="store_true", help="show the tests' own tracebacks too")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser) -> None:
    """Start over in this repository, with its configuration and what the student meant, if pytest took anything else.

    Other projects, whose tests load this plugin because it is installed, are left alone.
    """
    invocation, known = early_config.invocation_params, early_config.known_args_namespace
    folder = Path(invocation.dir).resolve()
    if known.inifilename is not None or not folder.is_relative_to(ROOT):
        return
    from grading.running.meant import what_was_meant  # here: other projects need none of it

    arguments = [str(argument) for argument in invocation.args]
    unknown = parser.parse_known_and_unknown_args(arguments)[1]
    meant = what_was_meant(arguments, known.file_or_dir, unknown, folder)
    elsewhere = folder == ROOT and early_config.inipath != CONFIGURATION
    if not (meant.in_root or elsewhere):
        return
    for line in meant.lines:
        print(line, file=sys.stderr)
    if meant.in_root:
        os.chdir(ROOT)
    # At this moment pytest holds back what is written: nobody would see the tests run, nor any colour.
    if (capture := early_config.pluginmanager.getplugin("capturemanager")) is not None:
        capture.suspend_global_capture(in_=True)
    raise SystemExit(pytest.main(["-c", str(CONFIGURATION), *meant.arguments]))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take questions as the assignment writes them: `-m Q1-1` means `-m q1_1`."""
    if config.inipath != CONFIGURATION:
        return
    from grading.running.meant import markers_of, question

    keyword = str(config.option.keyword)
    if not config.option.markexpr and question(keyword):
        config.option.markexpr, config.option.keyword = keyword, ""
    config.option.markexpr = markers_of(str(config.option.markexpr))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Say what to type if no test was found."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and config.inipath == CONFIGURATION:
        from grading.running.meant import what_to_type

        for line in what_to_type(Path(config.invocation_params.dir).resolve()):
            terminalreporter.write_line(line)
