"""Which implementation is tested, and the table of points at the end."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from grading.assignment import read_assignment
from grading.probes import Student, StudentRaised
from grading.submissions import Submission, SubmissionError, locate
from grading.workers.process import Worker

from .expect import Unmet

# Derandomised: the same submission gets the same verdict every time. No deadline: a slow machine is no wrong answer.
settings.register_profile(
    "student",
    derandomize=True,
    deadline=None,
    max_examples=25,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("seeds", parent=settings.get_profile("student"), derandomize=False)
settings.load_profile("student")

LOCATED = pytest.StashKey[Submission]()
OUTCOMES = pytest.StashKey[dict[str, Counter[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OUTCOMES] = {}
    try:
        config.stash[LOCATED] = locate(config.getoption("--impl"))
    except SubmissionError as error:
        raise pytest.UsageError(f"--impl {error}") from None


@pytest.fixture(scope="session")
def student(pytestconfig: pytest.Config) -> Iterator[Any]:
    """The implementation under test: answers probes with plain data."""
    submission = pytestconfig.stash[LOCATED]
    if not pytestconfig.getoption("--worker"):
        yield Student(submission)
        return
    with Worker(submission) as worker:
        yield worker


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if call.excinfo is not None and report.failed:
        error = call.excinfo.value
        if isinstance(error, (Unmet, StudentRaised)) and not item.config.getoption("--full"):
            report.longrepr = _told(item, error)
    question = _question(item)
    if question and (report.when == "call" or report.outcome != "passed"):
        item.config.stash[OUTCOMES].setdefault(question, Counter())[report.outcome] += 1
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    outcomes = config.stash[OUTCOMES]
    if not outcomes:
        return
    points = {question.id: question.test_points for question in read_assignment().questions}
    terminalreporter.section(f"points for the tests of {config.stash[LOCATED].name}")
    total = possible = 0.0
    for question, counts in sorted(outcomes.items()):
        share = counts["passed"] / counts.total()
        total, possible = total + share * points[question], possible + points[question]
        terminalreporter.write_line(
            f"{question}  {counts['passed']:3d} of {counts.total():3d} tests  "
            f"{share * points[question]:5.2f} of {points[question]:5.2f} points"
        )
    terminalreporter.write_line(f"total {'':18s}{total:5.2f} of {possible:5.2f} points")


def _question(item: pytest.Item) -> str | None:
    names = [mark.name for mark in item.iter_markers() if mark.name.startswith("q")]
    return names[0].replace("_", "-").upper() if names else None


def _told(item: pytest.Item, error: BaseException) -> str:
    """The message in place of a traceback: what the test is about, what happened, and the input."""
    lines = [f"{_question(item)}: {item.function.__doc__ or item.name}", str(error)]  # type: ignore[attr-defined]
    lines += [f"input: {_example(note)}" for note in getattr(error, "__notes__", []) if "student=" in note]
    return "\n".join(lines)


def _example(note: str) -> str:
    """The arguments in hypothesis's note of a failing example, on one line."""
    arguments = note[note.index("student=") : note.rindex(")")]
    _, _, drawn = " ".join(arguments.split()).partition(", ")
    return drawn if len(drawn) < 500 else f"{drawn[:500]}..."
