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

import pytest

from grading.protocol.questions import StudentRaised
from grading.protocol.submission import MODULES

from .asked import shortened, wrapped

SCREEN = 20  # lines for failures shown in full
LABEL = 7  # the width of `asked: `


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
    """Failures that one change will mend, or show more of."""

    name: str
    tests: list[pytest.TestReport] = field(default_factory=list)

    @property
    def by_function(self) -> dict[str, pytest.TestReport]:
        """The last failing test of each function."""
        return {_told(test)["function"]: test for test in self.tests}

    @property
    def functions(self) -> list[str]:
        return list(self.by_function)

    @property
    def room(self) -> str:
        """The module that the first failing test is about."""
        return _room(self.first)

    @property
    def first(self) -> pytest.TestReport:
        return self.tests[0]


class Diagnosis:
    """A pytest plugin that shows causes in place of failures."""

    def __init__(self, implementation: str, uses: dict[str, set[str]]) -> None:
        self._uses = uses
        self._option = [] if implementation == "hw4" else ["--impl", implementation]
        self._failed: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.when == "call":
            self._failed.append(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        """Print causes in place of pytest's own list of failures, which keeps its count."""
        if self._failed:
            terminalreporter.section("what to do next")
            for line in self._lines(sorted_causes(self._failed)):
                terminalreporter.write_line(line)
        hidden = terminalreporter.stats.pop("failed", [])
        yield
        if hidden:
            terminalreporter.stats["failed"] = hidden

    def _lines(self, causes: list[Cause]) -> Iterator[str]:
        waiting = {cause.name: names for cause in causes if (names := self._waits_for(cause, causes))}
        unwritten = [cause for cause in causes if cause.name.startswith("unwritten")]
        shown = [cause for cause in causes if cause not in unwritten and cause.name not in waiting]
        left, later = SCREEN, []
        for cause in shown:
            lines = list(self._block(cause, full=len(causes) == 1))
            if later or (len(lines) > left and cause is not shown[0]):
                later.append(cause)
                continue
            left -= len(lines) + 1
            yield from [*lines, ""]
        if later:
            yield "and then: " + ", ".join(f"{_names(cause)} ({_tests(cause)})" for cause in later)
        for names in dict.fromkeys(waiting.values()):
            them = [cause for cause in causes if waiting.get(cause.name) == names]
            functions = ", ".join(dict.fromkeys(map(_names, them)))
            yield f"waiting for {', '.join(names)}: {sum(len(cause.tests) for cause in them)} tests of {functions}"
        if unwritten:
            yield from _unwritten(unwritten)
        first = next((cause for cause in causes if cause.name not in waiting), causes[0])
        yield f"next: {_todo(first)}, then run {self._command(_file_of(first.first))}"

    def _waits_for(self, cause: Cause, causes: list[Cause]) -> tuple[str, ...]:
        """The failing functions of other modules that the function is built on."""
        if cause.name.startswith(("unwritten", "import")):
            return ()
        used = self._uses.get(cause.room, set())
        others = [other for other in causes if other.room != cause.room]
        failing = {function: _room(test) for other in others for function, test in other.by_function.items()}
        return tuple(name for name, room in failing.items() if room != cause.room and {name, room} & used)

    def _block(self, cause: Cause, *, full: bool) -> Iterator[str]:
        if cause.name.startswith("grader"):
            yield from (*str(cause.first.longrepr).splitlines(), "This is a fault of the tests: please report it.")
            return
        told, parts = _told(cause.first), _parts(str(cause.first.longrepr))
        title = "cannot be imported" if cause.name.startswith("import") else parts["title"]
        columns = shutil.get_terminal_size().columns
        yield from textwrap.wrap(f"{told['question']} {_names(cause)}: {title}", columns, subsequent_indent="  ")
        width = columns - LABEL - 2
        # A call says what an input is; alone on the screen there is room for both.
        names = ("asked", "call", "got", "hint", *(() if "call" in parts and not full else ("input",)))
        for name in names:
            for number, line in enumerate(_shown(name, parts.get(name, ""), width, full=full)):
                label = f"{name}:" if not number else ""
                yield f"  {label:{LABEL}}{line}"
        yield f"  run:   {self._command(cause.first.nodeid)}"
        if len(cause.tests) > 1:
            yield f"  more:  {_tests(cause, but=1)} of {_names(cause)} wait{'s' * (len(cause.tests) == 2)} for it"

    def _command(self, what: str) -> str:
        return shlex.join(["pytest", *self._option, what])


def sorted_causes(failed: list[pytest.TestReport]) -> list[Cause]:
    """Failures by cause, in the order of the modules and of the tests in their files."""
    causes: dict[str, Cause] = {}
    for report in sorted(failed, key=_place):
        told = _told(report)
        name = told["cause"] or f"{told['question']} {told['function']}"
        causes.setdefault(name, Cause(name)).tests.append(report)
    return list(causes.values())


def _room(report: pytest.TestReport) -> str:
    found = re.search(r"test_(\w+)\.py", report.location[0])
    return found[1] if found else ""


def _place(report: pytest.TestReport) -> tuple[int, int]:
    room = _room(report)
    return MODULES.index(room) if room in MODULES else len(MODULES), report.location[1] or 0


def _told(report: pytest.TestReport) -> dict[str, str]:
    return {"cause": "", "function": report.nodeid, "question": "", **{k: str(v) for k, v in report.user_properties}}


def _parts(message: str) -> dict[str, str]:
    """The parts of a message by name; `title` is its first line."""
    title, *lines = message.splitlines() or [""]
    parts, name = {"title": title.partition(": ")[2] or title}, "got"
    for line in lines:
        if start := re.match(r"(asked|call|got|hint|input): +", line):
            name, line = start[1], line[start.end() :]
        parts[name] = f"{parts[name]}\n{line.strip()}" if name in parts else line
    return parts


def _shown(name: str, text: str, width: int, *, full: bool) -> list[str]:
    """The lines of one part of a message on a screen; `full` if there is room for all of it."""
    match name:
        case "asked":
            return wrapped(text, width)
        case "call":
            return shortened(text, width)
        case "hint":
            return textwrap.wrap(text, width)
    if full:
        return text.splitlines()
    return [textwrap.shorten(line, width, placeholder=" ...") for line in _short(text)]


def _short(text: str) -> list[str]:
    """What happened on one line, then the last lines that say where."""
    where = [line for line in text.splitlines() if re.match(r"\S+\.py:\d+", line)]
    what = " ".join(line for line in text.splitlines() if line not in where)
    return ([what] if what else []) + where[-2:]


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
    for file, own in files.items():
        names = ", ".join(dict.fromkeys(_unwritten_name(cause) for cause in own))
        count = sum(len(cause.tests) for cause in own)
        yield f"  {file:16} {names}; {count} test{'s wait' if count != 1 else ' waits'} for it"


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
