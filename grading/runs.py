"""Carrying out a plan: trainings in workers, scored here, written into the journal as they end."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from typing import IO

import numpy as np

from grading.assignment import Configuration
from grading.data.crops import centre_crop
from grading.journal import Journal, Run
from grading.plan import Plan
from grading.probes import StudentRaised
from grading.scoring import Array, UnusableLogits, reduced_labels, score
from grading.workers.process import Worker, WorkerDied

Progress = Callable[[Configuration, int, dict[str, float]], None]


def validation_labels(plan: Plan, configuration: Configuration) -> Array:
    """The labels that the logits of a configuration are scored against: (N,), or (N, crop, crop) of its classes."""
    labels = plan.datasets[configuration.task].validation_labels
    if configuration.classes is None:
        return labels
    return reduced_labels(centre_crop(labels, plan.protocol(configuration)["crop"]), configuration.classes)


def carry_out(
    plan: Plan, journal: Journal, progress: Progress, finished: Callable[[Run], None], log: IO[bytes]
) -> None:
    """Run every training of the plan that the journal does not hold yet.

    Args:
        progress: called after each epoch with its metrics, from the training's thread.
        finished: called after each training, from this thread.
        log: where the workers' standard output and error go.

    Raises:
        KeyboardInterrupt: on Ctrl-C; trainings that had ended are in the journal, the workers are gone.
    """
    waiting = [(c, seed) for c, seed in plan.trainings() if (c.id, seed) not in journal.runs]
    if not waiting:
        return
    workers = [Worker(plan.submission, log) for _ in range(min(plan.parallel, len(waiting)))]
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def train(configuration: Configuration, seed: int) -> Run:
        worker = idle.get()
        try:
            return _trained(plan, configuration, seed, worker, progress)
        except WorkerDied:
            worker.close()
            worker = Worker(plan.submission, log)
            workers.append(worker)
            raise
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(len(workers))
    try:
        futures = {pool.submit(train, configuration, seed): (configuration, seed) for configuration, seed in waiting}
        for future in as_completed(futures):
            configuration, seed = futures[future]
            try:
                run = future.result()
            except WorkerDied as error:
                run = Run(configuration.id, seed, (), 0.0, str(error))
            journal.add(run)
            finished(run)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.close()


def _trained(plan: Plan, configuration: Configuration, seed: int, worker: Worker, progress: Progress) -> Run:
    start = time.perf_counter()
    labels = np.asarray(validation_labels(plan, configuration))
    history: list[dict[str, float]] = []
    failure = None
    try:
        for number, epoch in enumerate(worker.train(plan.training_job(configuration, seed)), start=1):
            metrics = score(configuration.task, epoch["logits"], labels, plan.num_classes(configuration))
            history.append({"epoch": number, "loss": epoch["loss"], **metrics})
            progress(configuration, seed, history[-1])
    except UnusableLogits as error:
        # Raised anew as what ends the worker: its training would go on without a listener.
        raise WorkerDied(str(error)) from None
    except StudentRaised as error:
        failure = str(error)
    return Run(configuration.id, seed, tuple(history), time.perf_counter() - start, failure)
