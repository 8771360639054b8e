"""Runs the tests of the student API and the trainings that are needed, at the same time."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from typing import IO, Any

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.running.api_tests import ApiTests
from grading.running.gpu_memory import fitting_trainings, free_bytes, lacked_memory
from grading.running.journal import Journal
from grading.running.plan import Plan
from grading.running.training import Progress, train_and_score
from grading.sandbox.worker import Worker

Wanted = Callable[[Mapping[tuple[str, int], Run]], list[tuple[Configuration, int]]]


def carry_out(
    plan: Plan,
    journal: Journal,
    progress: Progress,
    finished: Callable[[Run], None],
    log: IO[bytes],
    wanted: Wanted | None = None,
    *,
    tests: ApiTests | None = None,
    peak_of: Callable[[Run], int | None] = attrgetter("peak_bytes"),
    replanned: Callable[[Plan], None] | None = None,
) -> None:
    """Run tests, and the trainings of a plan that the journal does not hold yet.

    All parts of the tests start at once. A training starts as soon as fewer than `plan.parallel` parts and trainings
    run. If the plan trains one at a time on a GPU, more do once a training has shown how much memory it takes.

    Args:
        progress: called after each epoch with its metrics, from the training's thread.
        finished: called after each training, from this thread.
        log: where the workers' standard output and error go.
        wanted: which trainings can start, by what the journal holds; asked again after each part of the tests and each
            training. All of the plan if it is not given.
        tests: what is run besides the trainings.
        peak_of: the most memory of the GPU that a training took, in bytes; None if it is not known.
        replanned: called from this thread with the plan if from now on another number of trainings runs at a time.

    Raises:
        KeyboardInterrupt: on Ctrl-C; trainings that had ended are in the journal, and parts that had ended in `tests`.
            The workers and the other parts are gone.
    """
    jobs = _Jobs(max(plan.parallel, os.cpu_count() or 1))
    wanted = wanted or (lambda runs: list(plan.trainings()))
    trainings = _Trainings(plan, journal, wanted, progress, finished, log, peak_of, replanned)
    try:
        if tests is not None:
            for part in tests.start():
                jobs.start(part.outcomes, partial(tests.end, part))
        trainings.start(jobs)
        while jobs.count:
            jobs.wait()
            trainings.start(jobs)
    finally:
        jobs.close()
        trainings.close()
        if tests is not None:
            tests.close()


class _Jobs:
    """Functions that run in threads of their own.

    Args:
        most: of them at a time.
    """

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(most)
        self._ends: dict[Future[Any], Callable[[Any], None]] = {}

    @property
    def count(self) -> int:
        """The number of those that have not ended."""
        return len(self._ends)

    def start(self, work: Callable[[], Any], end: Callable[[Any], None]) -> None:
        """Call a function.

        Args:
            end: what `wait` calls with its result.
        """
        self._ends[self._pool.submit(work)] = end

    def wait(self) -> None:
        """Wait until a function ends, and do in this thread what is to be done with the results of all that have."""
        for future in wait(self._ends, return_when=FIRST_COMPLETED).done:
            self._ends.pop(future)(future.result())

    def close(self) -> None:
        """Start none any more. Those that run are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class _Trainings:
    """The trainings of a run, each on a worker of its own.

    Attributes:
        plan: as it is now: how many trainings run at a time may change.
        under_way: the configuration and seed of each training that runs.
        crowded: those of them beside which another one runs or ran.
        again: by configuration and seed, those that lacked memory beside others. Each is trained once more, alone.
        largest_peak: of all trainings, as far as it is known.
        free_memory: of the GPU for all trainings together, in bytes; None as long as nobody has asked.
    """

    plan: Plan
    journal: Journal
    wanted: Wanted
    progress: Progress
    finished: Callable[[Run], None]
    log: IO[bytes]
    peak_of: Callable[[Run], int | None]
    replanned: Callable[[Plan], None] | None
    under_way: set[tuple[str, int]] = field(default_factory=set)
    crowded: set[tuple[str, int]] = field(default_factory=set)
    again: dict[tuple[str, int], Configuration] = field(default_factory=dict)
    largest_peak: int = -1
    free_memory: int | None = None

    def __post_init__(self) -> None:
        self._share_gpu = self.plan.device == "cuda" and self.plan.parallel == 1
        self._workers: list[Worker] = []
        self._idle: list[Worker] = []

    def start(self, jobs: _Jobs) -> None:
        """Start the trainings for which there is room."""
        if self.again:
            if jobs.count == 0:
                (_, seed), configuration = next(iter(self.again.items()))
                self._start(configuration, seed, jobs)
            return
        for configuration, seed in self._missing():
            if jobs.count >= self.plan.parallel:
                return
            if (configuration.id, seed) not in self.under_way:
                self._start(configuration, seed, jobs)

    def close(self) -> None:
        """Stop every training and every worker."""
        for worker in self._workers:
            worker.close()

    def _missing(self) -> list[tuple[Configuration, int]]:
        runs = self.journal.runs
        return [(c, seed) for c, seed in self.wanted(runs) if (c.id, seed) not in runs]

    def _start(self, configuration: Configuration, seed: int, jobs: _Jobs) -> None:
        if not self._idle:
            self._workers.append(Worker(self.plan.submission, self.plan.sandbox, log=self.log))
            self._idle.append(self._workers[-1])
        worker = self._idle.pop()
        self.under_way.add((configuration.id, seed))
        if len(self.under_way) > 1:
            self.crowded |= self.under_way
        work = partial(train_and_score, self.plan, configuration, seed, worker, self.progress)
        jobs.start(work, partial(self._end, configuration, worker))

    def _end(self, configuration: Configuration, worker: Worker, run: Run) -> None:
        """Note a training that has ended, unless it must be repeated."""
        self._idle.append(worker)
        key = (run.configuration, run.seed)
        self.under_way.remove(key)
        is_repeated = self.again.pop(key, None) is not None
        was_crowded = key in self.crowded
        self.crowded.discard(key)
        # A CPU's memory is not shared: each worker has its own limit.
        if self.plan.device == "cuda" and was_crowded and not is_repeated and lacked_memory(run):
            self.again[key] = configuration
            return
        self.journal.add(run)
        self.finished(run)
        if self._share_gpu:
            self._let_fitting_trainings_run()

    def _let_fitting_trainings_run(self) -> None:
        """Choose how many trainings run at a time, if a larger peak is known than before."""
        peaks = [peak for run in self.journal.runs.values() if (peak := self.peak_of(run)) is not None]
        if not peaks or max(peaks) <= self.largest_peak:
            return
        self.largest_peak = max(peaks)
        if self.free_memory is None:
            self.free_memory = free_bytes()  # no training runs now: until here they ran one at a time
        fitting = fitting_trainings(self.largest_peak, self.free_memory, os.cpu_count() or 1)
        parallel = max(1, min(fitting, len(self._missing())))
        if parallel == self.plan.parallel:
            return
        self.plan = replace(self.plan, parallel=parallel)
        if self.replanned is not None:
            self.replanned(self.plan)
