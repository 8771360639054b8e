"""Results on paper: results.json, report.html, junit.xml, history.csv, each written whole or not at all."""

import os
from dataclasses import dataclass
from pathlib import Path

from grading.assignment import Question
from grading.plan import Plan
from grading.suite import Suite
from grading.verdicts import Outcome, RelationOutcome


@dataclass(frozen=True)
class Results:
    """Everything that a run has to say.

    Attributes:
        outcomes: by configuration id.
        suite: the tests of the student API; empty where they were not run.
        seconds: wall time of this run's trainings.
    """

    plan: Plan
    outcomes: dict[str, Outcome]
    relations: list[RelationOutcome]
    suite: Suite
    seconds: float

    def points(self, outcome: Outcome) -> tuple[float, float]:
        """What a configuration earns, and could: its question's training points, shared by its configurations."""
        question = self.plan.assignment.question(outcome.configuration.question)
        siblings = [c for c in self.plan.assignment.configurations if c.question == question.id]
        possible = question.training_points / len(siblings)
        return (possible if outcome.verdict == "PASS" else 0.0), possible

    @property
    def questions(self) -> list[Question]:
        """The questions whose tests count in this run: those of its configurations."""
        asked = {outcome.configuration.question for outcome in self.outcomes.values()}
        return [
            question for question in self.plan.assignment.questions if question.id in asked and question.test_points
        ]

    def test_points(self, question: Question) -> tuple[float, float]:
        """What the tests of a question earn, and could."""
        return self.suite.share(question.id) * question.test_points, question.test_points

    @property
    def score(self) -> tuple[float, float]:
        """Points of tests and configurations together, and what they could be."""
        points = [*map(self.points, self.outcomes.values()), *map(self.test_points, self.questions)]
        return sum(earned for earned, _ in points), sum(possible for _, possible in points)


def write_results(results: Results, out: Path) -> None:
    """Write all four files into `out`."""
    from grading.reporting.history import history_csv
    from grading.reporting.html import report_html
    from grading.reporting.junit import junit_xml
    from grading.reporting.results import results_json

    for name, text in {
        "history.csv": history_csv(results),
        "junit.xml": junit_xml(results),
        "report.html": report_html(results),
        "results.json": results_json(results),
    }.items():
        aside = out / f".{name}.{os.getpid()}"
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, out / name)
