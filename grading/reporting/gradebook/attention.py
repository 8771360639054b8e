"""Why a submission needs a person."""

from collections.abc import Iterator
from dataclasses import dataclass

from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.points import Document
from grading.reporting.marks import REVIEW

FAULT, DISTRUSTED, INCOMPLETE, TO_MARK = "fault", "distrusted", "incomplete", "to mark"


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        kind: `fault`, `distrusted` (a REVIEW without points), `incomplete`, `review` or `to mark`.
        item: the configuration or question; empty for a fault.
        text: what the gradebook says.
        detail: more for the page of the class; may be empty.
    """

    kind: str
    item: str
    text: str
    detail: str = ""


def reasons(graded: Graded) -> list[Reason]:
    """All reasons; none if nobody is needed."""
    if graded.fault is not None:
        return [Reason(FAULT, "", f"not graded: {graded.fault}", graded.fault)]
    return [*_configurations(graded.document), *_tests(graded.document), *_discussions(graded.document)]


def _configurations(document: Document) -> Iterator[Reason]:
    """The verdicts that are left to a person, and those that are missing; those of a run without verdicts are not."""
    extra = document["extra_data"]
    if extra.get("gives_no_verdict"):
        return
    for configuration in extra["configurations"]:
        id, verdict = configuration["id"], configuration["verdict"]
        if id in extra.get("marks", {}) or verdict not in ("REVIEW", "INCOMPLETE"):
            continue
        distrusted = configuration.get("distrusted")
        kind = INCOMPLETE if verdict == "INCOMPLETE" else DISTRUSTED if distrusted else REVIEW
        text = f"{id} {verdict}, distrusted" if kind == DISTRUSTED else f"{id} {verdict}"
        yield Reason(kind, id, text, distrusted or configuration.get("reason") or "")


def _tests(document: Document) -> Iterator[Reason]:
    """The questions whose tests say nothing about the submission."""
    for entry in document["tests"]:
        if entry["number"].endswith("-tests") and entry["tags"][1] in ("GRADER_ERROR", "INCOMPLETE"):
            yield Reason(INCOMPLETE, entry["tags"][0], f"{entry['tags'][0]} tests {entry['tags'][1]}", entry["output"])


def _discussions(document: Document) -> Iterator[Reason]:
    """The discussions that nobody has marked."""
    extra = document["extra_data"]
    for thing in extra.get("to_mark", ()):
        if thing["kind"] != REVIEW and thing["item"] not in extra["marks"]:
            yield Reason(TO_MARK, thing["item"], f"{thing['item']} to be marked")
