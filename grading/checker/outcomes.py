"""What a trial says about the tests: an accepted chaff is a hole in them, a refused wheat a rule that nobody stated."""

from collections.abc import Iterable
from dataclasses import dataclass

from grading.checker.catalogue import Chaff, Wheat
from grading.checker.trials import Failure, Trial


@dataclass(frozen=True)
class SpecimenOutcome:
    """A trial of a specimen, which is a wheat or a chaff.

    Attributes:
        problem: what the tests did wrong, in one line; empty if they did right.
        killed: whether a test failed on a chaff.
        by_its_question: whether that test is of the chaff's question.
        by_its_lesson: whether it also is one that is meant to catch the bug, and says so.
    """

    specimen: Wheat | Chaff
    trial: Trial
    problem: str
    killed: bool = False
    by_its_question: bool = False
    by_its_lesson: bool = False


def outcome_of(specimen: Wheat | Chaff, trial: Trial) -> SpecimenOutcome:
    """Compare a trial with what the catalogue says."""
    if trial.ended != "finished":
        return SpecimenOutcome(specimen, trial, f"its process {trial.ended}")
    if isinstance(specimen, Wheat):
        return SpecimenOutcome(specimen, trial, _problem_of_wheat(trial))
    if trial.failure is None:
        return SpecimenOutcome(specimen, trial, "accepted")
    if trial.failure.kind != "FAIL":
        return SpecimenOutcome(specimen, trial, f"{trial.failure.kind} in {trial.failure.test}")
    by_its_question = trial.failure.question == specimen.question
    by_its_lesson = by_its_question and specimen.lesson.is_taught_by(trial.failure.test, trial.failure.message)
    problem = "" if by_its_lesson else _problem_of_chaff(specimen, trial.failure)
    return SpecimenOutcome(specimen, trial, problem, True, by_its_question, by_its_lesson)


def _problem_of_wheat(trial: Trial) -> str:
    if trial.failure is not None:
        return f"refused by {trial.failure.test}"
    return "" if trial.passed else "no test ran"


def _problem_of_chaff(chaff: Chaff, failure: Failure) -> str:
    """Why a failure does not teach the lesson of a chaff."""
    if failure.question != chaff.question:
        return f"killed only by {failure.question}: {failure.test}"
    if not chaff.lesson.test_matches(failure.test):
        return f"first killed by {failure.test}, not by {chaff.lesson.test}"
    return f"{failure.test} does not say {chaff.lesson.hint!r}"


@dataclass(frozen=True)
class Row:
    """The trials of one module, counted."""

    module: str
    wheats: int
    accepted: int
    chaffs: int
    killed: int
    by_question: int
    by_lesson: int
    seconds: float

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of HEADINGS."""
        return (
            self.module,
            f"{self.accepted} of {self.wheats}",
            f"{self.killed} of {self.chaffs}",
            str(self.by_question),
            str(self.by_lesson),
            f"{self.seconds:.0f} s",
        )


HEADINGS = ("module", "wheats accepted", "chaffs killed", "by their question", "with their hint", "time")


def row(module: str, outcomes: Iterable[SpecimenOutcome]) -> Row:
    """Count the trials of one module, or of all."""
    outcomes = list(outcomes)
    wheats = [outcome for outcome in outcomes if isinstance(outcome.specimen, Wheat)]
    chaffs = [outcome for outcome in outcomes if isinstance(outcome.specimen, Chaff)]
    return Row(
        module,
        len(wheats),
        sum(not outcome.problem for outcome in wheats),
        len(chaffs),
        sum(outcome.killed for outcome in chaffs),
        sum(outcome.by_its_question for outcome in chaffs),
        sum(outcome.by_its_lesson for outcome in chaffs),
        sum(outcome.trial.seconds for outcome in outcomes),
    )
