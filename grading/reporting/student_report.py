"""What a student may read of their own results: an allow-list.

`StudentReport` holds every fact of student.html, so that a new field of `Results` cannot leak into the page. It knows
no threshold, no expected or published figure, no calibration, no control and no validation picture, and a metric has
two decimals as in results.json: an exact one tells how many labels a prediction meets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from grading.assignment.assignment import Question
from grading.assignment.test_ids import marker_of
from grading.protocol.text import cleaned
from grading.reporting.answer_markdown import answer_html
from grading.reporting.comparison import metric_name
from grading.reporting.marks import Mark
from grading.reporting.results import Results
from grading.reporting.rounding import rounded
from grading.reporting.sections import LETTERS, ShownTests, augmentation_question, shown_tests
from grading.running.resolve import TESTS_ONLY
from grading.verdicts.meaning import meaning
from grading.verdicts.outcome import Outcome
from grading.verdicts.stopping import first_failure

if TYPE_CHECKING:
    from grading.reporting.pictures.figure import Figure
    from grading.reporting.pictures.of_results import Figures

GRADER_FAILED = "the grader failed, which says nothing about your code"


@dataclass(frozen=True)
class StudentTraining:
    """One configuration.

    Attributes:
        means: what the verdict means, in a clause.
        details: what the code or the answers of the submission were stopped by; empty if figures led to the verdict.
        seeds: number of finished trainings.
        initial, best, tail: their means, rounded; None if no training was finished.
        decision: what a person has decided, empty if nobody has; `comment` is theirs.
    """

    id: str
    title: str
    verdict: str
    means: str
    details: str
    earned: float
    possible: float
    metric: str
    seeds: int
    initial: float | None
    best: float | None
    tail: float | None
    decision: str
    comment: str
    curves: "Figure | None"


@dataclass(frozen=True)
class StudentAnswer:
    """A discussion question; `html` is None if there is no text in discussion.md, `points` if nobody has marked it."""

    html: Markup | None
    points: float | None
    comment: str


@dataclass(frozen=True)
class StudentQuestion:
    """One question; `earned` is None for a discussion that nobody has marked.

    Attributes:
        marker: of pytest, which runs the tests of this question alone.
    """

    id: str
    title: str
    earned: float | None
    possible: float
    marker: str
    tests: ShownTests | None
    trainings: tuple[StudentTraining, ...]
    answer: StudentAnswer | None
    augmentation: "Figure | None"


@dataclass(frozen=True)
class StudentReport:
    """All that student.html shows.

    Attributes:
        trial: why this run gives no verdict; empty if it does.
        tests_only: whether nothing was to be trained.
        notes: on what was handed in, such as a test that was changed.
    """

    submission: str
    assignment: str
    profile: str
    verified: bool
    trial: str
    tests_only: bool
    notes: tuple[str, ...]
    earned: float
    possible: float
    questions: tuple[StudentQuestion, ...]

    @property
    def steps(self) -> list[str]:
        """What to do next, at most one sentence for each question."""
        steps = [step for question in self.questions if (step := _next_step(question))]
        if self.trial:
            steps.append("Leave out --epochs and --limit: then there are verdicts.")
        if self.tests_only:
            steps.append("Leave out --tests-only: then your networks are trained.")
        return steps


def student_report(results: Results, figures: "Figures | None" = None) -> StudentReport:
    """What the student may read of these results."""
    earned, possible = results.score
    discussed = {question.id for question in results.discussed}
    trained = {outcome.configuration.question for outcome in results.outcomes.values()}
    asked = [q for q in results.plan.assignment.questions if q.id in discussed | trained]
    return StudentReport(
        submission=results.plan.submission.name,
        assignment=results.plan.assignment.title,
        profile=results.plan.profile_name,
        verified=results.plan.sandbox.verified,
        trial=results.plan.withheld or "",
        tests_only=results.plan.gives_no_verdict == TESTS_ONLY,
        notes=results.plan.submission.notes,
        earned=earned,
        possible=possible,
        questions=tuple(_question(results, question, figures) for question in asked),
    )


def _question(results: Results, question: Question, figures: "Figures | None") -> StudentQuestion:
    is_place = figures is not None and augmentation_question(results) == question.id
    pictured = _for_students(figures.augmentation) if figures is not None and is_place else None
    marker = marker_of(question.id)
    if question.discussion:
        mark = results.marks.get(question.id)
        points = None if mark is None else mark.points
        answer = _answer(results.discussion.get(question.id), mark)
        return StudentQuestion(question.id, question.title, points, question.points, marker, None, (), answer, pictured)
    outcomes = [o for o in results.outcomes.values() if o.configuration.question == question.id]
    curves = {} if figures is None else figures.curves_for_student
    trainings = tuple(_training(results, outcome, curves) for outcome in outcomes)
    earned, possible = results.test_points(question)
    return StudentQuestion(
        question.id,
        question.title,
        earned + sum(training.earned for training in trainings),
        possible + sum(training.possible for training in trainings),
        marker,
        shown_tests(results, question),
        trainings,
        None,
        pictured,
    )


def _training(results: Results, outcome: Outcome, curves: "Mapping[str, Figure]") -> StudentTraining:
    configuration = outcome.configuration
    earned, possible = results.points(outcome)
    mark = results.marks.get(configuration.id)
    means, details = _in_words(results, outcome)
    initial, best, tail = (
        rounded(outcome.mean(kind)) if outcome.finished else None for kind in ("initial", "best", "tail")
    )
    return StudentTraining(
        id=configuration.id,
        title=configuration.title,
        verdict=outcome.verdict,
        means=means,
        details=details,
        earned=earned,
        possible=possible,
        metric=metric_name(configuration.metric),
        seeds=len(outcome.finished),
        initial=initial,
        best=best,
        tail=tail,
        decision="" if mark is None else f"{mark.points:g} of {possible:g} points",
        comment="" if mark is None else cleaned(mark.comment),
        curves=_for_students(curves.get(configuration.id)),
    )


def _in_words(results: Results, outcome: Outcome) -> tuple[str, str]:
    """What the verdict means, and what the submission was stopped by, if a test or a training decided.

    They are told from the facts, never from the reason of the verdict, which may hold thresholds, bounds and doubts.
    """
    required = outcome.configuration.required_tests
    test = None if results.plan.gives_no_verdict else results.suite.first_failure(required)
    run = first_failure(outcome.runs)
    if test is not None:
        if test.outcome == "GRADER_ERROR":
            return GRADER_FAILED, ""
        return "a test that it needs does not pass", f"{test.id}: {test.outcome}\n{test.message}"
    if run is not None:
        if run.kind == "GRADER_ERROR":
            return GRADER_FAILED, ""
        return "a training was stopped", cleaned(f"seed {run.seed}: {run.kind}\n{run.failure}", LETTERS)
    if results.plan.gives_no_verdict == TESTS_ONLY:
        return f"not trained: {TESTS_ONLY}", ""
    if outcome.configuration.id in results.plan.unavailable:
        return "it could not be trained on this machine", ""
    if results.plan.withheld is not None:
        return f"no verdict: {results.plan.withheld}", ""
    return meaning(outcome.verdict, earns=outcome.credit > 0), ""


def _answer(text: str | None, mark: Mark | None) -> StudentAnswer:
    points, comment = (None, "") if mark is None else (mark.points, cleaned(mark.comment))
    return StudentAnswer(None if text is None else answer_html(text), points, comment)


def _for_students(figure: "Figure | None") -> "Figure | None":
    """The figure, unless it shows validation pictures, thresholds or expected values."""
    return figure if figure is not None and figure.for_students else None


def _next_step(question: StudentQuestion) -> str:
    """What a student should do about a question; empty if nothing."""
    if question.answer is not None:
        missing = question.answer.html is None and question.answer.points is None
        return f"{question.id}: write your answer below its heading in discussion.md." if missing else ""
    if question.tests is not None and question.tests.findings:
        return (
            f"{question.id}: mend what the first failing test says ({question.tests.findings[0].id}), "
            f"then run pytest -m {question.marker}."
        )
    for training in question.trainings:
        if training.verdict == "FAIL":
            return (
                f"{training.id} fails: {training.means}. {'See below.' if training.details else 'Look at its curve.'}"
            )
    return ""
