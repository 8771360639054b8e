"""The results of a run: verdicts, conclusions, tests, controls and notes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from grading.assignment.api_test_record import Suite
from grading.assignment.assignment import Configuration, Question
from grading.assignment.training_record import Run
from grading.reporting.marks import Mark
from grading.running.plan import Plan
from grading.scoring.control import gap
from grading.verdicts.conclusions import RelationOutcome
from grading.verdicts.outcome import Outcome


@dataclass(frozen=True)
class ControlOutcome:
    """A training under a secret rule: see `grading.scoring.control`.

    Attributes:
        least_gap: the gap that it must show; None if nobody has measured that of right submissions.
        why: why it raises doubts about the submission; None if it does not.
    """

    configuration: Configuration
    run: Run
    least_gap: float | None
    why: str | None

    @property
    def gap(self) -> float | None:
        """The gap that it shows; None if it was not finished."""
        return gap(self.run) if self.run.failure is None else None


@dataclass(frozen=True)
class Results:
    """The results of a run.

    Attributes:
        outcomes: by configuration id.
        suite: the tests of the student API; empty if they were not run.
        notes: by configuration id, what a reader should know besides the verdict.
        calibration_notes: how the machine that calibrated differs from this one.
        discussion: by question, the student's text.
        seconds: wall time of the tests and trainings of this run.
        grader_notes: what went wrong in the grader without effect on any verdict.
        command, resume: the command that made this run, and the one that goes on with it, ready to be pasted; empty if
            it is one of a class.
        marks: by discussion question or configuration, the points that a person gives; see
            `grading.reporting.marks.marked`.
    """

    plan: Plan
    outcomes: dict[str, Outcome]
    relations: list[RelationOutcome]
    controls: list[ControlOutcome]
    suite: Suite
    notes: dict[str, str]
    calibration_notes: list[str]
    discussion: dict[str, str]
    seconds: float
    grader_notes: tuple[str, ...] = ()
    command: str = ""
    resume: str = ""
    marks: Mapping[str, Mark] = field(default_factory=dict)

    def points(self, outcome: Outcome) -> tuple[float, float]:
        """The points that a configuration earns, by a person's mark or by its verdict, and those that it could earn."""
        possible = self.plan.assignment.possible_points(outcome.configuration)
        mark = self.marks.get(outcome.configuration.id)
        return (outcome.credit * possible if mark is None else mark.points), possible

    def discussion_points(self, question: Question) -> tuple[float, float]:
        """The points of a discussion question, and those that there could be; both 0 if no person has marked it."""
        mark = self.marks.get(question.id)
        return (0.0, 0.0) if mark is None else (mark.points, question.points)

    @property
    def questions(self) -> list[Question]:
        """The questions whose tests count in this run: those of its configurations."""
        asked = {outcome.configuration.question for outcome in self.outcomes.values()}
        return [
            question for question in self.plan.assignment.questions if question.id in asked and question.test_points
        ]

    @property
    def undecided_tests(self) -> dict[str, str]:
        """By question, why its tests say nothing about the submission."""
        undecided = {question.id: self.suite.undecided(question.id) for question in self.questions}
        return {id: f"GRADER_ERROR: {tests[0].message}" for id, tests in undecided.items() if tests}

    @property
    def discussed(self) -> list[Question]:
        """The discussion questions that this run has evidence for."""
        asked = {outcome.relation.question for outcome in self.relations}
        return [q for q in self.plan.assignment.questions if q.discussion and q.id in asked]

    def evidence(self, question: Question) -> tuple[list[RelationOutcome], list[Outcome]]:
        """The conclusions that a discussion question is about, and the configurations that these compare."""
        claims = [claim for claim in self.relations if claim.relation.question == question.id]
        ids = {id for claim in claims for id in (claim.relation.better, claim.relation.worse)}
        return claims, [outcome for id, outcome in self.outcomes.items() if id in ids]

    def test_points(self, question: Question) -> tuple[float, float]:
        """The points that the tests of a question earn, and those that they could earn; both 0 if the grader erred."""
        if self.suite.undecided(question.id):
            return 0.0, 0.0
        return self.suite.share(question.id) * question.test_points, question.test_points

    @property
    def score(self) -> tuple[float, float]:
        """The points of tests, configurations and marked discussions together, and those that there could be."""
        points = [
            *map(self.points, self.outcomes.values()),
            *map(self.test_points, self.questions),
            *map(self.discussion_points, self.discussed),
        ]
        return sum(earned for earned, _ in points), sum(possible for _, possible in points)
