"""What report.html shows of each question: tests, trainings, the report's own table, and what the student wrote."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from grading.assignment.api_test_record import Checked
from grading.assignment.assignment import Question
from grading.assignment.training_record import Run
from grading.protocol.text import cleaned
from grading.reporting.answer_markdown import answer_html
from grading.reporting.comparison import Row, comparison, metric_name
from grading.reporting.layers import ShownLayer
from grading.reporting.marks import Mark
from grading.reporting.results import Results
from grading.verdicts.conclusions import RelationOutcome
from grading.verdicts.outcome import Outcome

if TYPE_CHECKING:
    from grading.reporting.pictures.figure import Figure
    from grading.reporting.pictures.of_results import Figures

MOST_FINDINGS = 20  # of a question's tests that did not pass
MOST_INPUTS = 3  # of a finding
LETTERS = 4000  # of each text that a submission wrote


@dataclass(frozen=True)
class ShownFinding:
    """A test that did not pass, as a person reads it.

    Attributes:
        parts: what was asked, what came back, what is probably wrong: names and texts.
    """

    id: str
    outcome: str
    title: str
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ShownTests:
    """The tests of one question.

    Attributes:
        undecided: why they say nothing about the submission; None if they do.
        more: how many tests besides `findings` did not pass.
    """

    passed: int
    count: int
    earned: float
    possible: float
    undecided: str | None
    findings: tuple[ShownFinding, ...]
    more: int


@dataclass(frozen=True)
class Seed:
    """One training; its figures are None if it has no epoch."""

    seed: int
    initial: float | None
    best: float | None
    tail: float | None
    epochs: int
    seconds: float
    ended: str


@dataclass(frozen=True)
class Training:
    """The trainings of one configuration.

    Attributes:
        rows: its figures in every metric.
        seeds: its figures in `metric`, one training each.
        note: what a reader should know besides the verdict; empty if there is nothing.
    """

    outcome: Outcome
    reason: str
    metric: str
    earned: float
    possible: float
    mark: Mark | None
    rows: tuple[Row, ...]
    seeds: tuple[Seed, ...]
    note: str
    curves: "Figure | None"
    figures: "tuple[Figure, ...]"
    layers: tuple[ShownLayer, ...]

    @property
    def points_are(self) -> str:
        """What becomes of the points of a REVIEW until a person has decided; empty if that is no question."""
        if self.mark is not None or self.outcome.verdict != "REVIEW":
            return ""
        return "provisional" if self.outcome.credit else "withheld"


@dataclass(frozen=True)
class Answer:
    """A discussion question: what the run says about it, and what the student wrote.

    Attributes:
        html: the student's text; None if there is none.
        text: the same as it was written.
    """

    claims: tuple[RelationOutcome, ...]
    html: Markup | None
    text: str
    mark: Mark | None


@dataclass(frozen=True)
class Section:
    """One question.

    Attributes:
        verdicts: of its tests and trainings, in words.
        points: earned, and possible; None for a discussion that nobody has marked.
        table: the report's own table, filled; empty if a single configuration's figures say it all.
    """

    question: Question
    verdicts: tuple[str, ...]
    points: tuple[float, float] | None
    table: tuple[Row, ...]
    tests: ShownTests | None
    trainings: tuple[Training, ...]
    answer: Answer | None
    figures: "tuple[Figure, ...]"


def sections(
    results: Results, figures: "Figures | None", layers: Mapping[str, Iterable[ShownLayer]]
) -> tuple[Section, ...]:
    """A section for each question that this run says something about, in the order of the homework.

    Args:
        layers: by configuration id.
    """
    shared = _shared_figures(results, figures)
    made = []
    for question in results.plan.assignment.questions:
        outcomes = [o for o in results.outcomes.values() if o.configuration.question == question.id]
        if question in results.discussed:
            made.append(_discussion(results, question, shared.get(question.id, ())))
        elif outcomes:
            trainings = tuple(_training(results, outcome, figures, layers) for outcome in outcomes)
            made.append(_trained(results, question, trainings, shared.get(question.id, ())))
    return tuple(made)


def shown_tests(results: Results, question: Question) -> ShownTests | None:
    """The tests of a question; None if none were run, or none are asked."""
    tests = results.suite.of(question.id)
    if question not in results.questions or not tests:
        return None
    undecided = results.undecided_tests.get(question.id)
    failed = [] if undecided is not None else [test for test in tests if test.outcome != "PASS"]
    return ShownTests(
        sum(test.outcome == "PASS" for test in tests),
        len(tests),
        *results.test_points(question),
        None if undecided is None else cleaned(undecided, LETTERS),
        tuple(map(shown_finding, failed[:MOST_FINDINGS])),
        len(failed[MOST_FINDINGS:]),
    )


def shown_finding(test: Checked) -> ShownFinding:
    """A test that did not pass."""
    parts = [(name, cleaned(text)) for name, text in test.finding.parts if name != "input"]
    inputs = [("input", cleaned(text)) for text in test.finding.inputs[:MOST_INPUTS]]
    return ShownFinding(test.id, test.outcome, cleaned(test.finding.title), (*parts, *inputs))


def _trained(
    results: Results, question: Question, trainings: "tuple[Training, ...]", figures: "tuple[Figure, ...]"
) -> Section:
    tests = shown_tests(results, question)
    earned, possible = results.test_points(question)
    verdicts = list(dict.fromkeys(training.outcome.verdict for training in trainings))
    if tests is not None:
        verdict = "GRADER_ERROR" if tests.undecided else "PASS" if tests.passed == tests.count else "FAIL"
        verdicts = list(dict.fromkeys([*verdicts, verdict]))
    if len(verdicts) > 1 and "PASS" in verdicts:
        verdicts.remove("PASS")
    return Section(
        question,
        tuple(verdicts),
        (
            earned + sum(training.earned for training in trainings),
            possible + sum(training.possible for training in trainings),
        ),
        tuple(comparison([training.outcome for training in trainings])) if len(trainings) > 1 else (),
        tests,
        trainings,
        None,
        figures,
    )


def _training(
    results: Results, outcome: Outcome, figures: "Figures | None", layers: Mapping[str, Iterable[ShownLayer]]
) -> Training:
    id = outcome.configuration.id
    kinds = [] if figures is None else [figures.mistakes, figures.iou, figures.confusion]
    return Training(
        outcome,
        cleaned(outcome.reason, LETTERS),
        metric_name(outcome.configuration.metric),
        *results.points(outcome),
        results.marks.get(id),
        tuple(comparison([outcome], every_metric=True)),
        tuple(_seed(run, outcome.configuration.metric) for run in outcome.runs),
        results.notes.get(id, ""),
        None if figures is None else figures.curves.get(id),
        tuple(kind[id] for kind in kinds if id in kind),
        tuple(layers.get(id, ())),
    )


def _seed(run: Run, metric: str) -> Seed:
    initial, best, tail = (run.initial(metric), run.best(metric), run.tail(metric)) if run.history else (None,) * 3
    return Seed(run.seed, initial, best, tail, len(run.history), run.seconds, run.kind)


def _discussion(results: Results, question: Question, figures: "tuple[Figure, ...]") -> Section:
    claims, outcomes = results.evidence(question)
    text, mark = results.discussion.get(question.id), results.marks.get(question.id)
    answer = Answer(tuple(claims), None if text is None else answer_html(text), text or "", mark)
    verdict = "marked" if mark is not None else "no text" if text is None else "to mark"
    points = None if mark is None else (mark.points, question.points)
    return Section(question, (verdict,), points, tuple(comparison(outcomes)), None, (), answer, figures)


def _shared_figures(results: Results, figures: "Figures | None") -> "dict[str, tuple[Figure, ...]]":
    """By question, the figures that are about more than one configuration."""
    placed: dict[str, tuple[Figure, ...]] = {}
    if figures is None:
        return placed
    faces = augmentation_question(results)
    if figures.augmentation is not None and faces is not None:
        placed[faces] = (figures.augmentation,)
    streets = [o.configuration.question for o in results.outcomes.values() if o.configuration.task == "segmentation"]
    if figures.overlays is not None and streets:
        placed[streets[0]] = (figures.overlays,)
    return placed


def augmentation_question(results: Results) -> str | None:
    """The question that shows the faces under both augmentations: a discussion of the two, if this run has one."""
    for question in results.discussed:
        if len({outcome.configuration.augmentation for outcome in results.evidence(question)[1]}) > 1:
            return question.id
    trained = [o.configuration for o in results.outcomes.values() if o.configuration.augmentation == "face"]
    return trained[0].question if trained else None
