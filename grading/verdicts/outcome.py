"""The verdict on one configuration, and what takes a verdict back."""

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
        runs: the trainings that it rests on.
        expectation: what they were held against.
        distrusted: why its metrics cannot be taken at their word; None if they can.
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
        """What PASS is held against; None if no number decides."""
        return self.gate.threshold if self.expectation.misfit is None else None

    @property
    def finished(self) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.failure is None)

    def mean(self, kind: str) -> float:
        """Mean over the finished trainings of `"initial"`, `"best"` or `"tail"`.

        Raises:
            statistics.StatisticsError: none was finished.
        """
        metric = self.configuration.metric
        return fmean(getattr(run, kind)(metric) for run in self.finished)

    @property
    def tail(self) -> float | None:
        """Mean over seeds of the tail; None if no training was finished."""
        return self.mean("tail") if self.finished else None

    @property
    def may_earn(self) -> bool:
        """Whether it is passed, or left to a person."""
        return self.verdict in ("PASS", "REVIEW")

    @property
    def credit(self) -> float:
        """The share of its points: all of them for PASS and, until a person has decided, for REVIEW."""
        return float(self.verdict == "PASS" or (self.verdict == "REVIEW" and self.distrusted is None))


def without_control(outcome: Outcome, control: str) -> Outcome:
    """An outcome whose control has not been trained: nothing shows yet that the submission learns."""
    if not outcome.may_earn:
        return outcome
    return replace(outcome, verdict="INCOMPLETE", reason=f"{outcome.reason}\n{control} has not been trained")


def distrust(outcome: Outcome, why: str) -> Outcome:
    """An outcome whose metrics cannot be taken at their word: nothing is passed."""
    if not outcome.may_earn:
        return outcome
    return replace(outcome, verdict="REVIEW", reason=f"{outcome.reason}\n{why}", distrusted=why)
