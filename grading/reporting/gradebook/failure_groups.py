"""What went wrong in a class: failures that are the same but for numbers and addresses, in one group."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grading.assignment.api_test_record import Checked
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.points import Document, failed_tests

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")
NUMBER = re.compile(r"(?<![A-Za-z_])[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|\b(?:nan|inf)\b")
NUMBERS = re.compile(r"#(?:[\s,;x*\[\]()]*#)+")  # a list, a matrix or a shape
OPENING = re.compile(r"(?<=[\[(])\s+")  # NumPy aligns columns
FRAME = re.compile(r"^(?:.*/)?([^/:]+):\d+ in (\S+?)(?::|$)")  # `hw4/heads.py:12 in replace_head: ...`
PARAMETERS = re.compile(r"\[.*\]$", re.DOTALL)  # of a test's id
NO_FINDING = "(the finding was not kept)"


@dataclass(frozen=True)
class Failure:
    """One thing that went wrong in one submission.

    Attributes:
        where: the test without its parameters, the student's function that raised, the question, or the configuration.
        sort: what makes two failures the same, before normalisation.
        gist: the finding in one line.
        message: the whole finding.
    """

    where: str
    outcome: str
    sort: str
    gist: str
    message: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.where, self.outcome, normalised(self.sort)


@dataclass(frozen=True)
class Group:
    """One thing that went wrong in some submissions.

    Attributes:
        students: each once, in the class's order.
        gist, example: the finding of the first student, in one line and whole.
    """

    where: str
    outcome: str
    students: tuple[str, ...]
    gist: str
    example: str


def failure_groups(graded: Sequence[Graded]) -> list[Group]:
    """All groups, the largest first."""
    groups: dict[tuple[str, str, str], dict[str, Failure]] = {}
    for one in graded:
        for failure in failures(one):
            groups.setdefault(failure.key, {}).setdefault(one.hand_in.student, failure)
    found = []
    for by_student in groups.values():
        first = next(iter(by_student.values()))
        found.append(Group(first.where, first.outcome, tuple(by_student), first.gist, first.message))
    return sorted(found, key=lambda group: -len(group.students))


def failures(graded: Graded) -> Iterator[Failure]:
    """What went wrong in one submission: tests, and trainings that failed for another reason than a test."""
    if graded.fault is not None:
        yield Failure("not graded", "FAULT", graded.fault, graded.fault, graded.fault)
        return
    findings = {test.id: test for test in graded.failed_tests}
    for id, outcome in failed_tests(graded.document).items():
        yield _test_failure(id, outcome, findings.get(id))
    yield from _training_failures(graded.document)


def normalised(text: str) -> str:
    """The text with `#` for each number or list of numbers, and without addresses and needless spaces."""
    return " ".join(NUMBERS.sub("#", NUMBER.sub("#", ADDRESS.sub("#", OPENING.sub("", text)))).split())


def _test_failure(id: str, outcome: str, test: Checked | None) -> Failure:
    """A test that noticed something. An exception of a student's function, and a session that died, are one failure,
    whichever tests notice it.

    The inputs that hypothesis drew, the call with them, and line numbers do not make a failure another one.
    """
    where = PARAMETERS.sub("", id)
    if test is None:
        return Failure(where, outcome, "", NO_FINDING, NO_FINDING)
    finding, message = test.finding, f"{id}\n{test.message}"
    frame = FRAME.match(finding.frames[-1]) if finding.frames else None
    if frame is not None:
        return Failure(f"{frame[1]}: {frame[2]}", outcome, finding.got, finding.got.partition("\n")[0], message)
    if finding.frames:  # an error of the file itself
        return Failure(
            finding.frames[-1].partition(":")[0].rpartition("/")[2],
            outcome,
            finding.got,
            finding.got.partition("\n")[0],
            message,
        )
    if outcome != "FAIL":
        said = finding.got or finding.title
        return Failure(f"tests of {test.question}", outcome, said, said.partition("\n")[0], message)
    parts = (finding.title, finding.asked, finding.got)
    # The first row of an array says nothing.
    gist = ": ".join(part for part in (finding.title, finding.got) if part and "\n" not in part) or where
    return Failure(where, outcome, "\n".join(parts), gist, message)


def _training_failures(document: Document) -> Iterator[Failure]:
    failed = failed_tests(document)
    for configuration in document["extra_data"]["configurations"]:
        reason = configuration.get("reason") or ""
        first_line = reason.partition("\n")[0]
        for_a_test = any(first_line.startswith(f"{id}: ") for id in failed)
        if configuration["verdict"] == "FAIL" and not for_a_test:
            yield Failure(configuration["id"], "FAIL", reason, first_line, reason)
