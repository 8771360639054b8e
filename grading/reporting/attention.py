"""What of a run needs a person, and what that person should do."""

from collections.abc import Iterator
from dataclasses import dataclass

from grading.protocol.handed_out import is_handout
from grading.protocol.text import cleaned
from grading.reporting.results import Results

LETTERS = 600  # of the first line of a reason; the whole one stands elsewhere in the page
GRADER_ERROR, INCOMPLETE, REVIEW = "GRADER_ERROR", "INCOMPLETE", "REVIEW"
DISTRUSTED, TO_MARK, TROUBLE, UNVERIFIED = "distrusted", "to mark", "trouble", "unverified"


@dataclass(frozen=True)
class Need:
    """One thing that a person decides.

    Attributes:
        kind: one of the constants above.
        what: what it is about, in a few words.
        why: in a sentence or two; may be empty.
        place: the id of the place in the page that shows the evidence.
    """

    kind: str
    what: str
    why: str
    place: str


@dataclass(frozen=True)
class Step:
    """What to do next; `command` is empty if there is none."""

    text: str
    command: str = ""


def needs(results: Results) -> list[Need]:
    """What needs a person, the gravest first."""
    return [*_doubts(results), *_undecided(results), *_to_mark(results)]


def next_steps(results: Results, needed: list[Need]) -> list[Step]:
    """What to do, in this order.

    Args:
        needed: of these results.
    """
    kinds = {need.kind for need in needed}
    what_to_do = _WHAT_A_STUDENT_DOES if is_handout() else _WHAT_TO_DO
    steps = [Step(text) for kind, text in what_to_do.items() if kind in kinds]
    if results.plan.withheld is not None:
        steps.append(Step("For verdicts, run it without --epochs and --limit."))
    elif kinds & {INCOMPLETE, GRADER_ERROR}:
        how = "Let the grader finish what is missing:" if results.resume else "Give the same command again: it goes on."
        steps.append(Step(how, results.resume))
    if REVIEW in kinds and not results.plan.sequential:
        steps.append(
            Step("Or let more trainings decide: the same command without --seeds, with --resume and --out of this run.")
        )
    if is_handout():
        return steps or [Step("Nothing is left to do.")]
    if any(outcome.verdict == "FAIL" for outcome in results.outcomes.values()) or _failed_tests(results):
        steps.append(
            Step("Give the student student.html: it shows what failed, and nothing that a student must not see.")
        )
    return steps or [Step("Nothing is left to do. student.html is the page for the student.")]


_WHAT_TO_DO = {
    UNVERIFIED: "Grade it again where a sandbox works: until then the numbers prove nothing.",
    DISTRUSTED: "Compare its learning curves with the reference's, read its code, and talk with the student. "
    "Until a person has decided, no training earns points.",
    REVIEW: "Decide each REVIEW by its learning curve and its code. In a class, the points go into marks.csv; "
    "until then they are given.",
    TO_MARK: "Mark the discussions, each beside its evidence. In a class, the points go into marks.csv.",
}


_WHAT_A_STUDENT_DOES = {
    REVIEW: "Look at the learning curve of each REVIEW; your instructor decides.",
    TO_MARK: "Your instructor marks the discussions.",
}


def _doubts(results: Results) -> Iterator[Need]:
    """Why the numbers may not be what they seem."""
    sandbox = results.plan.sandbox
    if not sandbox.verified:
        yield Need(UNVERIFIED, "the submission was not confined", sandbox.promise, "run")
    doubts = list(dict.fromkeys(o.distrusted for o in results.outcomes.values() if o.distrusted is not None))
    # The doubts about one training are a part of the doubts about all.
    whole = [doubt for doubt in doubts if not any(doubt != other and doubt in other for other in doubts)]
    if whole:
        place = "controls" if any(control.why for control in results.controls) else "questions"
        yield Need(DISTRUSTED, "no number of this submission is believed", _shortened("; ".join(whole)), place)


def _undecided(results: Results) -> Iterator[Need]:
    """Configurations and tests without a verdict."""
    for note in results.grader_notes:
        yield Need(TROUBLE, "the grader's own trouble", _shortened(note), "run")
    for question, why in results.undecided_tests.items():
        yield Need(GRADER_ERROR, f"the tests of {question} say nothing", _shortened(why), f"question-{question}")
    if results.plan.withheld is not None:
        return
    for id, outcome in results.outcomes.items():
        if outcome.verdict == "INCOMPLETE":
            yield Need(INCOMPLETE, id, _shortened(outcome.reason), id)
        elif outcome.verdict == "REVIEW" and outcome.distrusted is None and id not in results.marks:
            yield Need(REVIEW, id, _shortened(outcome.reason), id)


def _to_mark(results: Results) -> Iterator[Need]:
    for question in results.discussed:
        if question.id in results.discussion and question.id not in results.marks:
            yield Need(TO_MARK, f"{question.id}: {question.points:g} points", "", f"question-{question.id}")


def _failed_tests(results: Results) -> bool:
    return any(test.outcome not in ("PASS", "GRADER_ERROR") for test in results.suite.tests)


def _shortened(text: str) -> str:
    return cleaned(text.strip().partition("\n")[0], LETTERS)
