"""class.html: one self-contained file in which an instructor reads a whole class."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from grading.assignment.assignment import Assignment
from grading.protocol.text import cleaned, one_line, printable
from grading.reporting.gradebook import attention
from grading.reporting.gradebook.attention import Reason, reasons
from grading.reporting.gradebook.drawings import Strip, histogram, strip
from grading.reporting.gradebook.failure_groups import Group, failure_groups
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.item_statistics import FEWEST, question_items, test_items
from grading.reporting.gradebook.points import points_by_question, total
from grading.reporting.marks import DISCUSSION, REVIEW
from grading.reporting.page import page

MOST_GROUPS = 100  # of failures that are shown
MOST_NAMES = 40  # of a group that are shown
EXAMPLE_LETTERS, GIST_LETTERS = 1500, 160
URGENT = {
    attention.FAULT: "not graded",
    attention.DISTRUSTED: "REVIEW, as the metrics are distrusted: no points until a person decides",
    attention.INCOMPLETE: "INCOMPLETE: grade again",
    REVIEW: "REVIEW: points are provisional",
}


@dataclass(frozen=True)
class Answer:
    """One student's row of marks.csv, with what is to be marked.

    Attributes:
        anchor: its place in the page.
        shown: the entry of results.json: evidence, and the text.
        points: None until a person has marked it.
    """

    student: str
    anchor: str
    link: str
    shown: str
    max_points: float
    points: float | None


@dataclass(frozen=True)
class Tails:
    """The tails of one configuration."""

    id: str
    title: str
    metric: str
    drawing: Strip
    counts: Mapping[str, int]


def class_html(graded: Sequence[Graded], assignment: Assignment) -> str:
    """The file's text."""
    documents = [one.document for one in graded if one.fault is None]
    totals = [points for one in graded if (points := total(one.document)) is not None]
    groups = failure_groups(graded)
    why = [(one, reason) for one in graded for reason in reasons(one)]
    return page(
        "gradebook/class.html",
        assignment=assignment,
        graded=graded,
        profiles=sorted({document["extra_data"]["profile"] for document in documents}),
        unverified=sum(not document["extra_data"].get("sandbox", {}).get("verified", True) for document in documents),
        urgent=[
            (kind, title, [_shown_reason(one, reason) for one, reason in why if reason.kind == kind])
            for kind, title in URGENT.items()
        ],
        to_mark=_to_mark([reason for _, reason in why]),
        nobody_needed=len(graded) - len({one.hand_in.student for one, _ in why}),
        histogram=histogram(totals, _possible(graded)),
        ungraded=len(graded) - len(totals),
        questions=question_items(documents, assignment),
        titles={question.id: question.title for question in assignment.questions},
        tests=test_items(documents, assignment),
        fewest=FEWEST,
        groups=[_shown_group(group) for group in groups[:MOST_GROUPS]],
        more_groups=len(groups[MOST_GROUPS:]),
        tails=tails(graded, assignment),
        answers=answers(graded, assignment),
        rows=[
            {
                "student": one.hand_in.student,
                "link": report_link(one.hand_in.student),
                "late": one.hand_in.late,
                "total": total(one.document),
                "why": "; ".join(reason.text for reason in reasons(one)),
            }
            for one in graded
        ],
    )


def anchor(student: str, item: str) -> str:
    """The id of a row of marks.csv in the page: letters, digits and hyphens, and no two are equal."""
    safe = re.sub(r"[^A-Za-z0-9-]", lambda letter: f"_{ord(letter[0]):x}_", student)
    return f"mark-{item}-{safe}"


def report_link(student: str, at: str = "") -> str:
    """The address of a student's report.html from the page.

    Args:
        at: a place in it; empty for its begin.
    """
    return f"./{quote(printable(student), safe='')}/report.html" + (f"#{quote(at)}" if at else "")


def tails(graded: Sequence[Graded], assignment: Assignment) -> list[Tails]:
    """A drawing for each configuration of which a training was finished."""
    entries: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for one in graded:
        for configuration in one.document["extra_data"]["configurations"]:
            if configuration["tail"] is not None:
                entries.setdefault(configuration["id"], []).append((one.hand_in.student, configuration))
    drawn = []
    for configuration in assignment.configurations:
        of = entries.get(configuration.id, [])
        levels: Mapping[str, Any] = next((entry for _, entry in of if entry["threshold"] is not None), {})
        drawing = strip(
            [(student, entry["verdict"], entry["tail"]) for student, entry in of],
            levels.get("threshold"),
            levels.get("floor"),
            levels.get("expected"),
        )
        if drawing is not None:
            verdicts = [entry["verdict"] for _, entry in of]
            counts = {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(sorted(verdicts))}
            drawn.append(Tails(configuration.id, configuration.title, configuration.metric, drawing, counts))
    return drawn


def answers(graded: Sequence[Graded], assignment: Assignment) -> list[tuple[str, str, list[Answer]]]:
    """What a person marks, in the order of marks.csv: item, title, and each student's answer."""
    by_item: dict[str, list[Answer]] = {}
    for one in graded:
        extra = one.document["extra_data"]
        entries = {entry["number"]: entry for entry in one.document["tests"]}
        for thing in extra.get("to_mark", ()):
            item = thing["item"]
            discussion = thing["kind"] == DISCUSSION
            by_item.setdefault(item, []).append(
                Answer(
                    one.hand_in.student,
                    anchor(one.hand_in.student, item),
                    report_link(one.hand_in.student, "" if discussion else item),
                    entries[f"{item}-discussion" if discussion else item]["output"],
                    thing["max_points"],
                    extra["marks"].get(item),
                )
            )
    titles = {question.id: question.title for question in assignment.questions if question.discussion}
    titles |= {configuration.id: configuration.title for configuration in assignment.configurations}
    return [
        (item, title, sorted(by_item[item], key=lambda answer: answer.student))
        for item, title in titles.items()
        if item in by_item
    ]


def _shown_reason(graded: Graded, reason: Reason) -> dict[str, str]:
    student = graded.hand_in.student
    return {
        "student": student,
        "link": report_link(student, reason.item),
        "text": reason.text,
        "detail": reason.detail.partition("\n")[0],
        "anchor": anchor(student, reason.item) if reason.kind in (REVIEW, attention.DISTRUSTED) else "",
    }


def _to_mark(all_reasons: Sequence[Reason]) -> dict[str, int]:
    """How many texts of each discussion nobody has marked."""
    items = [reason.item for reason in all_reasons if reason.kind == attention.TO_MARK]
    return {item: items.count(item) for item in sorted(set(items))}


def _possible(graded: Sequence[Graded]) -> float:
    """The most points that a submission of the class could have."""
    possible: dict[str, float] = {}
    for one in graded:
        for question, (_, most) in points_by_question(one.document).items():
            possible[question] = max(most, possible.get(question, 0.0))
    return sum(possible.values())


def _shown_group(group: Group) -> dict[str, Any]:
    return {
        "where": group.where,
        "outcome": group.outcome,
        "count": len(group.students),
        "students": [(student, report_link(student)) for student in group.students[:MOST_NAMES]],
        "more": len(group.students[MOST_NAMES:]),
        "gist": cleaned(one_line(group.gist), GIST_LETTERS),
        "example": cleaned(group.example, EXAMPLE_LETTERS),
    }
