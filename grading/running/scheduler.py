"""Runs the trainings that are needed, on workers in parallel."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import IO

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
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
) -> None:
    """Run the trainings of a plan that the journal does not hold yet.

    Args:
        progress: called after each epoch with its metrics, from the training's thread.
        finished: called after each training, from this thread.
        log: where the workers' standard output and error go.
        wanted: which trainings are needed, by what the journal holds; asked again after each training. All of the plan
            if it is not given.

    Raises:
        KeyboardInterrupt: on Ctrl-C; trainings that had ended are in the journal, the workers are gone.
    """
    wanted = wanted or (lambda runs: list(plan.trainings()))
    waiting = _missing(wanted, journal)
    if not waiting:
        return
    workers = _Workers(plan, min(plan.parallel, len(waiting)), progress, log)
    try:
        while waiting or workers.running:
            for configuration, seed in waiting[: workers.free]:
                workers.start(configuration, seed)
            for run in workers.finished():
                journal.add(run)
                finished(run)
            under_way = set(workers.running.values())
            waiting = [(c, seed) for c, seed in _missing(wanted, journal) if (c.id, seed) not in under_way]
    finally:
        workers.close()


class _Workers:
    """Workers that train one configuration each, in parallel.

    Attributes:
        running: configuration and seed of each training under way.
    """

    def __init__(self, plan: Plan, count: int, progress: Progress, log: IO[bytes]) -> None:
        self._plan = plan
        self._progress = progress
        self._workers = [Worker(plan.submission, plan.sandbox, log=log) for _ in range(count)]
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._pool = ThreadPoolExecutor(count)
        self.running: dict[Future[Run], tuple[str, int]] = {}

    @property
    def free(self) -> int:
        """The number of workers that have nothing to do."""
        return len(self._workers) - len(self.running)

    def start(self, configuration: Configuration, seed: int) -> None:
        """Train a configuration on a worker that is free."""
        future = self._pool.submit(self._train, configuration, seed)
        self.running[future] = (configuration.id, seed)

    def finished(self) -> list[Run]:
        """Wait until a training ends; all that have ended since."""
        done = wait(self.running, return_when=FIRST_COMPLETED).done
        for future in done:
            del self.running[future]
        return [future.result() for future in done]

    def close(self) -> None:
        """Stop every training and every worker."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def _train(self, configuration: Configuration, seed: int) -> Run:
        worker = self._idle.get()
        try:
            return train_and_score(self._plan, configuration, seed, worker, self._progress)
        finally:
            self._idle.put(worker)


def _missing(wanted: Wanted, journal: Journal) -> list[tuple[Configuration, int]]:
    return [(c, seed) for c, seed in wanted(journal.runs) if (c.id, seed) not in journal.runs]
