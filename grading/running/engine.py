"""Where the parts of tests and the trainings of gradings run."""

from abc import ABC, abstractmethod

from grading.assignment.api_test_record import Checked
from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.running.api_tests import Part
from grading.running.evidence import Draws
from grading.running.grading import Grading
from grading.running.plan import Plan


class Engine(ABC):
    """Runs what the scheduler gives to it. Results do not depend on which engine it is.

    Attributes:
        slots: how many parts of tests and trainings it runs at a time.
    """

    slots: int

    @abstractmethod
    def trainings_at_a_time(self, plan: Plan) -> int:
        """How many trainings of a plan there is room for."""

    @abstractmethod
    def test(self, grading: Grading, part: Part) -> tuple[Checked, ...]:
        """Run a part of a submission's tests, and wait for its outcomes. Called in a thread of its own."""

    @abstractmethod
    def train(self, grading: Grading, configuration: Configuration, seed: int) -> Run:
        """Run a training, and wait for its end. Called in a thread of its own.

        Whatever goes wrong with the submission is the failure of this training.
        """

    @abstractmethod
    def draw_faces(self, grading: Grading) -> Draws | None:
        """Ask the submission for its views of a few training faces; None if it has none. Called in a thread of its own.

        Whatever goes wrong costs the picture alone.
        """

    @abstractmethod
    def release(self, grading: Grading) -> None:
        """Give up what is kept for a grading, of which nothing runs any more."""

    @abstractmethod
    def close(self) -> None:
        """Stop whatever runs. What was called returns soon; nobody waits for it."""
