"""How long a run will still take, by the trainings that have ended or come along in it."""

import time
from collections.abc import Callable, Sequence
from statistics import fmean
from threading import Lock

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.running.plan import Plan

Missing = Callable[[], Sequence[tuple[Configuration, int]]]


class TimeLeft:
    """Estimates the rest of a run. Several threads may call it.

    What a training takes is the mean of those of its configuration that have ended or come along. For a configuration
    of which there is none, it is the estimate of the plan, times what the others took compared with theirs.

    Args:
        runs: that have ended before.
        missing: the trainings that are to come or under way, by what is known now.
    """

    def __init__(self, plan: Plan, runs: Sequence[Run], missing: Missing) -> None:
        self.plan = plan
        self._missing = missing
        self._lock = Lock()
        self._seconds: dict[tuple[str, int], float] = {}
        self._first_epoch: dict[tuple[str, int], float] = {}
        self._done: dict[tuple[str, int], float] = {}
        self._waiting: Sequence[tuple[Configuration, int]] = ()
        for run in runs:
            self._learn(run)
        self.look()

    @property
    def trainings(self) -> int:
        """How many are to come or under way."""
        return len(self._waiting)

    def look(self) -> None:
        """Ask again which trainings are missing."""
        self._waiting = self._missing()

    def epoch(self, configuration: Configuration, seed: int, number: int) -> None:
        """Note that an epoch of a training has ended."""
        key, now = (configuration.id, seed), time.monotonic()
        epochs = self.plan.protocol(configuration)["epochs"]
        with self._lock:
            if number == 1:
                self._first_epoch[key] = now
            else:
                self._seconds[key] = (now - self._first_epoch[key]) / (number - 1) * epochs
            self._done[key] = number / epochs

    def finished(self, run: Run) -> None:
        """Note that a training has ended."""
        with self._lock:
            self._learn(run)
        self.look()

    def seconds(self) -> float:
        """Until all trainings have ended; 0.0 if none is missing."""
        with self._lock:
            left = [
                self._expected(configuration) * (1 - self._done.get((configuration.id, seed), 0.0))
                for configuration, seed in self._waiting
            ]
        return max(sum(left) / self.plan.parallel, *left) if left else 0.0

    def _learn(self, run: Run) -> None:
        if run.failure is None:
            self._seconds[run.configuration, run.seed] = run.seconds
        else:  # it says nothing about a training that reaches its end
            self._seconds.pop((run.configuration, run.seed), None)

    def _expected(self, configuration: Configuration) -> float:
        """The seconds of one training."""
        alike = [seconds for (id, _), seconds in self._seconds.items() if id == configuration.id]
        if alike:
            return fmean(alike)
        return self.plan.cost(configuration) * self._slowness()

    def _slowness(self) -> float:
        """How many times longer trainings take than the plan estimates."""
        of = self.plan.assignment.configuration
        estimated = sum(self.plan.cost(of(id)) for id, _ in self._seconds)
        return sum(self._seconds.values()) / estimated if estimated else 1.0
