"""What a trial says of the tests: an accepted chaff is a hole in them, a refused wheat a rule that nobody stated."""

from collections.abc import Iterable
from dataclasses import dataclass

from grading.checker.catalogue import Chaff, Wheat
from grading.checker.trials import Trial


@dataclass(frozen=True)
class Judged:
    """A trial of a wheat or chaff.

    Attributes:
        problem: in one line, what the tests did wrong; empty where they did right.
    """

    crop: Wheat | Chaff
    trial: Trial
    killed: bool
    by_its_question: bool
    by_its_lesson: bool
    problem: str


def judged(crop: Wheat | Chaff, trial: Trial) -> Judged:
    """Hold a trial against what the catalogue says."""
    failure = trial.failure
    if trial.ended != "finished":
        return Judged(crop, trial, False, False, False, f"its process {trial.ended}")
    if isinstance(crop, Wheat):
        problem = "no test ran" if not trial.passed else ""
        return Judged(crop, trial, False, False, False, f"refused by {failure.test}" if failure else problem)
    if failure is None:
        return Judged(crop, trial, False, False, False, "accepted")
    if failure.kind != "FAIL":
        return Judged(crop, trial, False, False, False, f"{failure.kind} in {failure.test}")
    own = failure.question == crop.question
    taught = own and crop.lesson.is_taught_by(failure.test, failure.message)
    problem = ""
    if not own:
        problem = f"killed only by {failure.question}: {failure.test}"
    elif not crop.lesson.test_matches(failure.test):
        problem = f"first killed by {failure.test}, not by {crop.lesson.test}"
    elif not taught:
        problem = f"{failure.test} does not say {crop.lesson.hint!r}"
    return Judged(crop, trial, True, own, taught, problem)


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


def row(module: str, all_judged: Iterable[Judged]) -> Row:
    """Count the trials of one module, or of all."""
    judged = list(all_judged)
    wheats = [one for one in judged if isinstance(one.crop, Wheat)]
    chaffs = [one for one in judged if isinstance(one.crop, Chaff)]
    return Row(
        module,
        len(wheats),
        sum(not one.problem for one in wheats),
        len(chaffs),
        sum(one.killed for one in chaffs),
        sum(one.by_its_question for one in chaffs),
        sum(one.by_its_lesson for one in chaffs),
        sum(one.trial.seconds for one in judged),
    )
