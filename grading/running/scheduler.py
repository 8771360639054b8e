"""Which training is next, and on which worker."""

from collections import deque
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
    waiting = deque(_missing(wanted, journal))
    if not waiting:
        return
    workers = [Worker(plan.submission, plan.sandbox, log=log) for _ in range(min(plan.parallel, len(waiting)))]
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def train(configuration: Configuration, seed: int) -> Run:
        worker = idle.get()
        try:
            return train_and_score(plan, configuration, seed, worker, progress)
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(len(workers))
    running: dict[Future[Run], tuple[str, int]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < len(workers):
                configuration, seed = waiting.popleft()
                running[pool.submit(train, configuration, seed)] = (configuration.id, seed)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                run = future.result()
                del running[future]
                journal.add(run)
                finished(run)
            under_way = set(running.values())
            waiting = deque(
                (configuration, seed)
                for configuration, seed in _missing(wanted, journal)
                if (configuration.id, seed) not in under_way
            )
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.close()


def _missing(wanted: Wanted, journal: Journal) -> list[tuple[Configuration, int]]:
    return [(c, seed) for c, seed in wanted(journal.runs) if (c.id, seed) not in journal.runs]
