"""What a student reads at the end of a run: for each function the first failure, and what to do next.

The tests of a function stand in the order in which failures are worth reading: shapes and values before gradients, side
effects and odd cases. So the first failure is shown and the others wait for it. A module that cannot be imported and a
function that is not written yet are one cause each, however many functions build on them; and the failures of a
function wait for those of the functions that it is built on.
"""

import re
import shlex
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from grading.protocol.finding import LABEL, Finding, labelled
from grading.protocol.questions import StudentRaised
from grading.protocol.submission import MODULES

from .asked import shortened, wrapped

SCREEN = 20  # lines for failures shown in full
MOST_ROWS = 8  # of an array that came back


def function_of(item: pytest.Item) -> str:
    """The function or class of the student API that a test is about."""
    named = getattr(item, "callspec", None)
    parameters = named.params if named else {}
    marker = item.get_closest_marker("about")
    return str(parameters.get("function") or parameters.get("metric") or (marker.args[0] if marker else item.name))


def cause_of(error: BaseException, kind: str) -> str:
    """What a failure shares with others: `unwritten FILE FUNCTION`, `import MESSAGE`, `grader ERROR`, or nothing."""
    if kind == "GRADER_ERROR":
        return f"grader {error!r}"
    if not isinstance(error, StudentRaised):
        return ""
    innermost = error.frames[-1] if error.frames else ""
    where = re.search(r"([^/]+\.py):\d+ in (\w+|<module>):", innermost)
    if "NotImplementedError" in error.kinds and where:
        return f"unwritten {where[1]} {where[2]}"
    if "SyntaxError" in error.kinds or "ImportError" in error.kinds or (where and where[2] == "<module>"):
        return f"import {error.kinds[0]}: {error.message}"
    return ""


@dataclass
class Cause:
    """Failures with one cause: mending it ends them, or reveals the next."""

    name: str
    tests: list[pytest.TestReport] = field(default_factory=list)

    @property
    def by_function(self) -> dict[str, pytest.TestReport]:
        """The last failing test of each function."""
        return {_noted(test)["function"]: test for test in self.tests}

    @property
    def functions(self) -> list[str]:
        return list(self.by_function)

    @property
    def module(self) -> str:
        """The module that the first failing test is about."""
        return _module(self.first)

    @property
    def first(self) -> pytest.TestReport:
        return self.tests[0]


class Diagnosis:
    """A pytest plugin that shows causes in place of failures of the tests of the student API.

    Other tests may run beside them, such as the grader's own: pytest shows their failures as usual.
    """

    def __init__(self, implementation: str, uses: dict[str, set[str]]) -> None:
        self._uses = uses
        self._option = [] if implementation == "hw4" else ["--impl", implementation]
        self._failed: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.when == "call" and "cause" in dict(report.user_properties):
            self._failed.append(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        """Print causes in place of pytest's own list of failures, which keeps its count."""
        if self._failed:
            terminalreporter.section("what to do next")
            for line in self._lines(sorted_causes(self._failed)):
                terminalreporter.write_line(line)
        failed = terminalreporter.stats.pop("failed", [])
        if others := [report for report in failed if report not in self._failed]:
            terminalreporter.stats["failed"] = others
        yield
        if failed:
            terminalreporter.stats["failed"] = failed

    def _lines(self, causes: list[Cause]) -> Iterator[str]:
        waiting = {cause.name: names for cause in causes if (names := self._waits_for(cause, causes))}
        unwritten = [cause for cause in causes if cause.name.startswith("unwritten")]
        shown = [cause for cause in causes if cause not in unwritten and cause.name not in waiting]
        left = SCREEN
        later: list[Cause] = []
        for cause in shown:
            lines = list(self._block(cause, full=len(causes) == 1))
            if later or (len(lines) > left and cause is not shown[0]):
                later.append(cause)
                continue
            left -= len(lines) + 1
            yield from [*lines, ""]
        if later:
            yield from _wrapped("and then: " + ", ".join(f"{_names(cause)} ({_tests(cause)})" for cause in later))
        for names in dict.fromkeys(waiting.values()):
            blocked = [cause for cause in causes if waiting.get(cause.name) == names]
            functions = ", ".join(dict.fromkeys(map(_names, blocked)))
            count = sum(len(cause.tests) for cause in blocked)
            yield from _wrapped(f"waiting for {', '.join(names)}: {count} tests of {functions}")
        if unwritten:
            yield from _unwritten(unwritten)
        first = next((cause for cause in causes if cause.name not in waiting), causes[0])
        yield f"next: {_todo(first)}, then run {self._command(_file_of(first.first))}"

    def _waits_for(self, cause: Cause, causes: list[Cause]) -> tuple[str, ...]:
        """The failing functions of other modules that the function is built on."""
        if cause.name.startswith(("unwritten", "import")):
            return ()
        used = self._uses.get(cause.module, set())
        others = [other for other in causes if other.module != cause.module]
        failing = {function: _module(test) for other in others for function, test in other.by_function.items()}
        return tuple(name for name, module in failing.items() if module != cause.module and {name, module} & used)

    def _block(self, cause: Cause, *, full: bool) -> Iterator[str]:
        if cause.name.startswith("grader"):
            yield from (*str(cause.first.longrepr).splitlines(), "This is a fault of the tests: please report it.")
            return
        finding = _finding(cause.first)
        title = "cannot be imported" if cause.name.startswith("import") else finding.title.partition(": ")[2]
        question = _noted(cause.first)["question"]
        yield from _wrapped(f"{question} {_names(cause)}: {title}")
        columns = shutil.get_terminal_size().columns
        for name, lines in _parts(finding, columns - LABEL - 2, full=full):
            for line in labelled(name, "\n".join(lines)).splitlines():
                yield f"  {line}"
        yield f"  run:   {self._command(cause.first.nodeid)}"
        if len(cause.tests) > 1:
            yield f"  more:  {_tests(cause, but=1)} of {_names(cause)} wait{'s' * (len(cause.tests) == 2)} for it"

    def _command(self, what: str) -> str:
        return shlex.join(["pytest", *self._option, what])


def sorted_causes(failed: list[pytest.TestReport]) -> list[Cause]:
    """Failures by cause, in the order of the modules and of the tests in their files."""
    causes: dict[str, Cause] = {}
    for report in sorted(failed, key=_place):
        noted = _noted(report)
        name = noted["cause"] or f"{noted['question']} {noted['function']}"
        causes.setdefault(name, Cause(name)).tests.append(report)
    return list(causes.values())


def _module(report: pytest.TestReport) -> str:
    file = re.search(r"test_(\w+)\.py", report.location[0])
    return file[1] if file else ""


def _place(report: pytest.TestReport) -> tuple[int, int]:
    module = _module(report)
    return MODULES.index(module) if module in MODULES else len(MODULES), report.location[1] or 0


def _noted(report: pytest.TestReport) -> dict[str, str]:
    noted = {name: str(value) for name, value in report.user_properties}
    return {"cause": "", "function": report.nodeid, "question": "", **noted}


def _finding(report: pytest.TestReport) -> Finding:
    noted: dict[str, Any] = dict(report.user_properties)
    return Finding(**noted["finding"])


def _parts(finding: Finding, width: int, *, full: bool) -> Iterator[tuple[str, list[str]]]:
    """The parts of a finding by name, each with its lines on a screen; `full` if there is room for all of them."""
    parts = {
        "asked": wrapped(finding.asked, width),
        "call": shortened(finding.call, width),
        "got": [*finding.got.splitlines(), *finding.frames] if full else _short(finding, width),
        "hint": textwrap.wrap(finding.hint, width),
        "input": _inputs(finding, width, full=full),
    }
    yield from ((name, lines) for name, lines in parts.items() if lines)


def _short(finding: Finding, width: int) -> list[str]:
    """What came back, on one line if it is not a small array, then the last lines that say where."""
    lines = finding.got.splitlines()
    on_one_line = " ".join(finding.got.split())
    is_array = all(line.startswith((" ", "[")) and len(line) <= width for line in lines)
    if not is_array or len(lines) > MOST_ROWS or len(on_one_line) <= width:
        lines = [_shortened(on_one_line, width)] if on_one_line else []
    return [*lines, *(_shortened(line, width) for line in finding.frames[-2:])]


def _inputs(finding: Finding, width: int, *, full: bool) -> list[str]:
    """A call says what an input is; if there is room for all, both are shown."""
    if full:
        return list(finding.inputs)
    return [] if finding.call else [_shortened(example, width) for example in finding.inputs]


def _wrapped(line: str, indent: int = 2) -> list[str]:
    """The line as it fits into the terminal, without a cut in a word."""
    columns = shutil.get_terminal_size().columns
    return textwrap.wrap(line, columns, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def _shortened(line: str, width: int) -> str:
    return textwrap.shorten(line, width, placeholder=" ...")


def _tests(cause: Cause, but: int = 0) -> str:
    count = len(cause.tests) - but
    return f"{count} test{'s' * (count != 1)}"


def _names(cause: Cause) -> str:
    return ", ".join(cause.functions)


def _file_of(report: pytest.TestReport) -> str:
    return report.nodeid.partition("::")[0]


def _unwritten(causes: list[Cause]) -> Iterator[str]:
    """One line for each file."""
    yield "not written yet:"
    files: dict[str, list[Cause]] = {}
    for cause in causes:
        files.setdefault(cause.name.split()[1], []).append(cause)
    for file, waiting in files.items():
        names = ", ".join(dict.fromkeys(map(_unwritten_name, waiting)))
        count = sum(len(cause.tests) for cause in waiting)
        yield from _wrapped(f"  {file:16} {names}; {count} test{'s wait' if count != 1 else ' waits'} for it", 4)


def _unwritten_name(cause: Cause) -> str:
    name = cause.name.split()[2]
    return cause.functions[0] if name.startswith("__") else name


def _todo(cause: Cause) -> str:
    if cause.name.startswith("unwritten"):
        return f"write {_unwritten_name(cause)} in {cause.name.split()[1]}, as its docstring says"
    if cause.name.startswith("import"):
        return "make it importable"
    if cause.name.startswith("grader"):
        return "report the fault of the tests"
    return f"mend {_names(cause)}"
