"""One submission in a run: what is known of it, and what can start."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from grading.assignment.api_test_record import NOT_RUN, Suite
from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.running.api_tests import ApiTests, Part
from grading.running.evidence import Evidence
from grading.running.faces_shown import shows_faces
from grading.running.journal import Journal
from grading.running.needed import expectations, needed_tests, ready
from grading.running.plan import Plan
from grading.running.training import Progress

Wanted = Callable[[Mapping[tuple[str, int], Run]], list[tuple[Configuration, int]]]


def api_tests_of(plan: Plan, folder: Path, *, unsafe: bool, most_parts: int | None = None) -> ApiTests | None:
    """The tests of the student API that a plan needs; they have not started. None in a trial, which gives no verdict.

    Args:
        folder: of the results.
        unsafe, most_parts: see `ApiTests`.
    """
    if plan.withheld is not None:
        return None
    return ApiTests(
        plan.submission,
        folder / "tests.jsonl",
        listed=needed_tests(plan),
        most_parts=most_parts,
        seconds=plan.assignment.limits["suite_seconds"],
        unsafe=unsafe,
    )


def ready_trainings(plan: Plan, tests: ApiTests | None) -> Wanted:
    """What can start of a plan: the trainings that its verdicts need and whose required tests have passed."""
    expected = expectations(plan)
    return lambda runs: ready(plan, NOT_RUN if tests is None else tests.suite, runs, expected)


def _ignore(*_: object) -> None:
    """Nobody watches."""


@dataclass(eq=False)
class Grading:
    """One submission in a run.

    Attributes:
        plan: how many trainings run at a time may change while it runs.
        log: where the workers' standard output and error go.
        wanted: which trainings can start, by what the journal holds. All of the plan if it is not given.
        tests: what is run besides the trainings; None if there are none.
        epoch: called after each epoch with its metrics, from the training's thread.
        finished: called after each training, from the thread of the scheduler.
        evidence: what is kept for people to look at.
        parts: of the tests that have not started.
        under_way: the configuration and seed of each training that runs.
        parts_under_way: the number of parts of the tests that run.
        faces_wanted: whether the submission is to be asked for its views of a few training faces.
        faces_under_way: whether it is being asked.
    """

    plan: Plan
    journal: Journal
    log: IO[bytes]
    wanted: Wanted | None = None
    tests: ApiTests | None = None
    epoch: Progress = _ignore
    finished: Callable[[Run], None] = _ignore
    evidence: Evidence = field(default_factory=Evidence)
    parts: deque[Part] = field(init=False)
    under_way: set[tuple[str, int]] = field(init=False, default_factory=set)
    parts_under_way: int = field(init=False, default=0)
    faces_wanted: bool = field(init=False)
    faces_under_way: bool = field(init=False, default=False)
    _can_start: list[tuple[Configuration, int]] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.faces_wanted = self.evidence.lacks_faces and shows_faces(self.plan)
        self.parts = deque(self.tests.start() if self.tests is not None else ())

    @property
    def suite(self) -> Suite:
        """What is known of the tests by now."""
        return NOT_RUN if self.tests is None else self.tests.suite

    @property
    def missing(self) -> list[tuple[Configuration, int]]:
        """The trainings that are wanted and not in the journal; some may be under way."""
        if self._can_start is None:
            runs = self.journal.runs
            wanted = list(self.plan.trainings()) if self.wanted is None else self.wanted(runs)
            self._can_start = [(c, seed) for c, seed in wanted if (c.id, seed) not in runs]
        return self._can_start

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs, and nothing is left to start."""
        nothing_runs = not (self.parts_under_way or self.under_way or self.faces_under_way)
        return nothing_runs and not (self.parts or self.faces_wanted or self.missing)

    @property
    def can_draw_faces(self) -> bool:
        """Whether the tests have ended, which tell whether asking for views is worth the time."""
        return self.faces_wanted and not (self.parts or self.parts_under_way)

    def something_ended(self) -> None:
        """Choose again what can start: after each part of the tests and each training."""
        self._can_start = None

    def close(self) -> None:
        """End its tests; those that have ended are kept. The engine ends its trainings."""
        if self.tests is not None:
            self.tests.close()
