"""What a trial says of the tests: an accepted chaff is a hole in them, a refused wheat a rule that nobody stated."""

from collections.abc import Iterable
from dataclasses import dataclass

from grading.checker.catalogue import Chaff, Wheat
from grading.checker.trials import Trial


@dataclass(frozen=True)
class SpecimenOutcome:
    """A trial of a wheat or chaff.

    Attributes:
        problem: in one line, what the tests did wrong; empty if they did right.
    """

    specimen: Wheat | Chaff
    trial: Trial
    killed: bool
    by_its_question: bool
    by_its_lesson: bool
    problem: str


def outcome_of(specimen: Wheat | Chaff, trial: Trial) -> SpecimenOutcome:
    """Hold a trial against what the catalogue says."""
    failure = trial.failure
    if trial.ended != "finished":
        return SpecimenOutcome(specimen, trial, False, False, False, f"its process {trial.ended}")
    if isinstance(specimen, Wheat):
        problem = "no test ran" if not trial.passed else ""
        return SpecimenOutcome(
            specimen, trial, False, False, False, f"refused by {failure.test}" if failure else problem
        )
    if failure is None:
        return SpecimenOutcome(specimen, trial, False, False, False, "accepted")
    if failure.kind != "FAIL":
        return SpecimenOutcome(specimen, trial, False, False, False, f"{failure.kind} in {failure.test}")
    own = failure.question == specimen.question
    taught = own and specimen.lesson.is_taught_by(failure.test, failure.message)
    problem = ""
    if not own:
        problem = f"killed only by {failure.question}: {failure.test}"
    elif not specimen.lesson.test_matches(failure.test):
        problem = f"first killed by {failure.test}, not by {specimen.lesson.test}"
    elif not taught:
        problem = f"{failure.test} does not say {specimen.lesson.hint!r}"
    return SpecimenOutcome(specimen, trial, True, own, taught, problem)


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
        """The row of the table."""
        return (
            self.module,
            f"{self.accepted} of {self.wheats}",
            f"{self.killed} of {self.chaffs}",
            str(self.by_question),
            str(self.by_lesson),
            f"{self.seconds:.0f} s",
        )


HEADINGS = ("module", "wheats accepted", "chaffs killed", "by their question", "with their hint", "time")


def row(module: str, all_judged: Iterable[SpecimenOutcome]) -> Row:
    """Count the trials of one module, or of all."""
    outcome_of = list(all_judged)
    wheats = [one for one in outcome_of if isinstance(one.specimen, Wheat)]
    chaffs = [one for one in outcome_of if isinstance(one.specimen, Chaff)]
    return Row(
        module,
        len(wheats),
        sum(not one.problem for one in wheats),
        len(chaffs),
        sum(one.killed for one in chaffs),
        sum(one.by_its_question for one in chaffs),
        sum(one.by_its_lesson for one in chaffs),
        sum(one.trial.seconds for one in outcome_of),
    )
