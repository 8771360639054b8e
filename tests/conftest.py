"""Which implementation is tested, and what is noted of each test."""

import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import torch
from hypothesis import seed

from grading.assignment.assignment import AssignmentError, read_assignment
from grading.protocol.finding import Finding
from grading.protocol.questions import Student, StudentRaised
from grading.protocol.submission import MODULES, Submission, SubmissionError, locate
from grading.protocol.wire import Plain
from grading.worker.student import LocalStudent

from .answers import formed
from .built_on import built_on
from .diagnosis import Diagnosis, cause_of, function_of
from .expect import Unmet
from .points import Points
from .strategies import move_seeds
from .telling import finding_of, question_of, unwrapped_flaky

# Nets this small gain nothing from a second thread, and parallel processes would fight for the cores.
torch.set_num_threads(1)

ReprFailure = Callable[[pytest.ExceptionInfo[BaseException]], object]
LOCATED = pytest.StashKey[Submission]()


def pytest_configure(config: pytest.Config) -> None:
    try:
        config.stash[LOCATED] = locate(config.getoption("--impl"))
    except SubmissionError as error:
        raise pytest.UsageError(f"--impl {error}") from None
    try:
        points = Points(config.stash[LOCATED].name, read_assignment())
    except AssignmentError as error:
        raise pytest.UsageError(str(error)) from None
    if (number := str(config.getoption("--hypothesis-seed", None))).isdigit():
        move_seeds(int(number))
    config.pluginmanager.register(points)
    if not config.pluginmanager.hasplugin("benchmark"):
        config.pluginmanager.register(CallsOnce())
    is_controller = not hasattr(config, "workerinput")
    if is_controller and not config.getoption("--full"):
        uses = {} if config.getoption("--sandbox") else built_on(config.stash[LOCATED].folder)
        config.pluginmanager.register(Diagnosis(config.getoption("--impl"), uses))
        config.option.no_header = True
        config.option.benchmark_disable = True  # nobody would see their table
    if is_controller and (records := config.getoption("--records")):
        config.pluginmanager.register(Records(Path(records)))


class CallsOnce:
    """Takes the place of pytest-benchmark in a grading: the time of a sandboxed call says nothing.

    pytest-benchmark starts seven processes, of git and others, whenever pytest starts.
    """

    @pytest.fixture
    def benchmark(self) -> Callable[..., object]:
        return lambda function, *args, **kwargs: function(*args, **kwargs)


@pytest.hookimpl(trylast=True)  # after hypothesis has marked its tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the name of a test decide what hypothesis draws for it: by default its source does.

    So a docstring or an annotation can change without another grade for anybody.
    """
    if config.getoption("--hypothesis-seed", None) is not None:
        return
    for item in items:
        if item.path.parent != Path(__file__).parent:  # this hook gets the tests of other folders, too
            continue
        if isinstance(item, pytest.Function) and item.get_closest_marker("hypothesis"):
            seed(crc32(f"{item.path.name} {item.originalname}".encode()))(item.function)


@pytest.fixture(scope="session")
def student(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Iterator[Student]:
    """The implementation under test: answers probes with plain data."""
    submission = pytestconfig.stash[LOCATED]
    if not pytestconfig.getoption("--sandbox"):
        yield FormChecked(LocalStudent(submission))
        return
    from grading.sandbox.choose import NoSandbox, choose
    from grading.sandbox.worker import Worker

    try:
        sandbox = choose(unsafe=pytestconfig.getoption("--unsafe"))
    except NoSandbox as error:
        pytest.exit(f"--sandbox: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    modules = {item.path.stem.removeprefix("test_") for item in request.session.items}
    probes = [f"grading.worker.probes.{module}" for module in MODULES if module in modules]
    with Worker(submission, sandbox, imported=probes) as worker:
        yield FormChecked(SandboxedStudent(worker))


class FormChecked:
    """Answers probes as another does, each in the form that the tests read."""

    def __init__(self, student: Student) -> None:
        self._student = student

    def ask(self, probe: str, **data: Plain) -> Plain:
        return formed(probe, data, self._student.ask(probe, **data))


class Stopped(BaseException):
    """Student code did not survive a question: hypothesis, which catches every Exception, must not ask it again."""


class SandboxedStudent:
    """Answers probes from a sandbox."""

    def __init__(self, worker: Student) -> None:
        self._worker = worker

    def ask(self, probe: str, **data: Plain) -> Plain:
        from grading.sandbox.worker import WorkerStopped

        try:
            return self._worker.ask(probe, **data)
        except WorkerStopped as error:
            raise Stopped(str(error)) from None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Show a finding in place of a traceback, which is slow: pytest parses whole files for it, at each request."""
    if not item.config.getoption("--full"):
        item.repr_failure = partial(_repr_failure, item, item.repr_failure)  # type: ignore[method-assign, assignment]


def _repr_failure(item: pytest.Item, usual: ReprFailure, excinfo: pytest.ExceptionInfo[BaseException]) -> object:
    error = unwrapped_flaky(excinfo.value)
    return usual(excinfo) if _kind(error) == "GRADER_ERROR" else str(_finding(item, error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and report.failed:
        error = unwrapped_flaky(call.excinfo.value)
        kind = _kind(error)
        report.user_properties += [("kind", kind), ("cause", cause_of(error, kind)), ("function", function_of(item))]
        if kind != "GRADER_ERROR" and not item.config.getoption("--full"):
            report.user_properties.append(("finding", asdict(_finding(item, error))))
    report.user_properties.append(("question", question_of(item)))
    return report


class Records:
    """Writes one line for every test that was collected, and one for each outcome."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self._write({"test": item.nodeid, "question": question_of(item)})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self._write({"test": report.nodeid, **_outcome(report)})

    def pytest_unconfigure(self) -> None:
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def _outcome(report: pytest.TestReport) -> dict[str, Any]:
    if report.outcome == "passed":
        return {"outcome": "PASS"}
    noted = dict(report.user_properties)
    finding = noted.get("finding", {"title": str(report.longrepr)})
    return {"outcome": noted.get("kind", "GRADER_ERROR"), "finding": finding}


def _finding(item: pytest.Item, error: BaseException) -> Finding:
    return finding_of(item, error, item.config.stash[LOCATED].name)


def _kind(error: BaseException) -> str:
    """Whose fault a failure is, and of what kind."""
    if isinstance(error, Stopped):
        return str(error).partition(":")[0]
    return "FAIL" if isinstance(error, (Unmet, StudentRaised)) else "GRADER_ERROR"
