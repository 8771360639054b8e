"""The verdict on one configuration, and two reasons to take it back."""

from dataclasses import dataclass, replace
from statistics import fmean

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.verdicts.expectation import Expectation
from grading.verdicts.gate import Gate


@dataclass(frozen=True)
class Outcome:
    """The verdict on one configuration.

    Attributes:
        verdict: `PASS`, `FAIL`, `REVIEW` or `INCOMPLETE`.
        reason: why, in a few lines.
        runs: the trainings that the verdict rests on, by seed.
        expectation: what they were held against.
        distrusted: why the metrics are not believed; None if they are.
    """

    configuration: Configuration
    verdict: str
    reason: str
    runs: tuple[Run, ...]
    expectation: Expectation
    distrusted: str | None = None

    @property
    def gate(self) -> Gate:
        return self.expectation.gate

    @property
    def threshold(self) -> float | None:
        """The tail above which a submission passes; None if no number decides."""
        return self.gate.threshold if self.expectation.misfit is None else None

    @property
    def finished(self) -> tuple[Run, ...]:
        """The trainings that did not fail."""
        return tuple(run for run in self.runs if run.failure is None)

    def mean(self, kind: str, metric: str | None = None) -> float:
        """Mean of a metric over the finished trainings.

        Args:
            kind: `"initial"`, `"best"` or `"tail"`.
            metric: the configuration's if it is not given.

        Raises:
            statistics.StatisticsError: no training was finished.
        """
        return fmean(getattr(run, kind)(metric or self.configuration.metric) for run in self.finished)

    @property
    def tail(self) -> float | None:
        """Mean tail of the finished trainings; None if no training was finished."""
        return self.mean("tail") if self.finished else None

    @property
    def may_earn(self) -> bool:
        """Whether the configuration passes or is left to a person."""
        return self.verdict in ("PASS", "REVIEW")

    @property
    def credit(self) -> float:
        """The share of its points: 1.0 for PASS, and for REVIEW unless its metrics are distrusted; else 0.0."""
        return float(self.verdict == "PASS" or (self.verdict == "REVIEW" and self.distrusted is None))


def without_control(outcome: Outcome, control: str) -> Outcome:
    """The outcome if its control has not been trained yet: nothing shows that the submission learns from its labels.

    Args:
        control: the control's id.
    """
    if not outcome.may_earn:
        return outcome
    return replace(outcome, verdict="INCOMPLETE", reason=f"{outcome.reason}\n{control} has not been trained")


def distrust(outcome: Outcome, why: str) -> Outcome:
    """The outcome if its metrics are not believed: a person decides, and until then it earns no points."""
    if not outcome.may_earn:
        return outcome
    return replace(outcome, verdict="REVIEW", reason=f"{outcome.reason}\n{why}", distrusted=why)
