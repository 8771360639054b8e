"""Carrying out a plan: trainings in workers, scored here, written into the journal as they end."""

import os
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue
from typing import IO

import numpy as np

from grading.assignment.assignment import Configuration
from grading.running.journal import Journal, Run
from grading.running.plan import Plan
from grading.worker.student import StudentRaised
from grading.scoring.epochs import ScoredTraining
from grading.scoring.metrics import Array, UnusableLogits
from grading.scoring.network_checks import Broken, check_built, check_trained
from grading.running.validation import ValidationSet, training_rule, validation_sets
from grading.protocol.limits import MIB, Limits
from grading.sandbox.worker import GraderError, Worker, WorkerStopped
from grading.protocol.wire import Plain

Progress = Callable[[Configuration, int, dict[str, float]], None]
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
            where it is not given.

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
            return _trained(plan, configuration, seed, worker, progress)
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


def blinded(plan: Plan, configuration: Configuration, seed: int) -> tuple[list[ValidationSet], Plain]:
    """What one training is measured on, and its job as the worker gets it: training data and validation images."""
    data = plan.datasets[configuration.task]
    job = plan.training_job(configuration, seed)
    train_images = data.train_images
    count = min(len(train_images), plan.limit or len(train_images))
    train_labels = np.array(data.train_labels)
    rule = None
    if configuration.control:
        rule = training_rule(plan, configuration, seed, train_labels)
        train_labels = rule.relabelled(train_images, train_labels)
    sets = validation_sets(plan, configuration, seed, rule)
    disguise = sets[0].disguise
    job["train_images"] = [train_images.pixels[: train_images.starts[count]], train_images.shapes[:count]]
    if configuration.classes is None:
        job["train_labels"] = disguise.labels(train_labels[:count])
    else:
        job["train_labels"] = train_labels[:count]
        job["mapping"] = disguise.mapping(configuration.classes.mapping)
    job["validation_images"] = [_packed(one.disguise.images(one.images)) for one in sets]
    job["validation_epochs"] = [one.epochs for one in sets]
    return sets, job


def training_limits(plan: Plan, configuration: Configuration, sets: Sequence[ValidationSet]) -> Limits:
    """What a training may use: the time that follows from the reference's, and memory by the profile's size."""
    largest = max(one.labels[0].size * len(one.disguise.order) for one in sets)
    seconds = plan.seconds_allowed(configuration)
    usual = Limits()
    # The real networks need more than the mini ones, and a GPU's driver maps more still.
    memory = usual.data_bytes if plan.profile_name == "mini" else max(usual.data_bytes, _machine_bytes() // 2)
    return Limits(
        seconds=seconds,
        cpu_seconds=int(seconds * max(plan.threads, 2)),
        data_bytes=memory,
        resident_bytes=memory + usual.resident_bytes - usual.data_bytes,
        processes=usual.processes + 4 * (os.cpu_count() or 1),
        reply_bytes=4 * largest * plan.num_classes(configuration) + MIB,
    )


def _trained(plan: Plan, configuration: Configuration, seed: int, worker: Worker, progress: Progress) -> Run:
    start = time.perf_counter()
    num_classes = plan.num_classes(configuration)
    history: list[dict[str, float]] = []
    kind, failure, images = "FINISHED", None, None
    try:
        sets, job = blinded(plan, configuration, seed)
        scored = ScoredTraining(sets, num_classes)
        history = scored.history
        reports = worker.train(job, training_limits(plan, configuration, sets))
        check_built(configuration, _said(next(reports, None), "built"), _head_size(job, num_classes))
        for report in reports:
            if scored.is_full:
                check_trained(configuration, _said(report, "trained"))
                continue
            progress(configuration, seed, scored.add(report, plan.device))
        scored.close(learns=not (plan.withheld or configuration.control))
        images = scored.images()
    except (StudentRaised, UnusableLogits, Broken) as error:
        kind, failure = "FAIL", str(error)
    except WorkerStopped as error:
        kind, failure = error.kind, error.message
    except Exception as error:  # of one training: the others go on
        kind, failure = "GRADER_ERROR", str(error) if isinstance(error, GraderError) else _grader_fault(error)
    seconds = time.perf_counter() - start
    return Run(configuration.id, seed, tuple(history), seconds, kind, failure, images)


def _grader_fault(error: Exception) -> str:
    """What an instructor reports: the kind of an unforeseen error, and the line of the grader that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"


def _said(report: Plain, name: str) -> Plain:
    return report[name] if isinstance(report, dict) and set(report) == {name} else None


def _head_size(job: Plain, num_classes: int) -> int:
    """Weights and biases of a new head in place of the last Linear of the first backbone; 0 where there is none."""
    linear = [array for weights in job["weights"].values() for array in weights.values() if array.ndim == 2]
    return (linear[-1].shape[1] + 1) * num_classes if linear else 0


def _packed(images: Sequence[Array]) -> list[Array]:
    """Pixels and shapes of images, as `Images.of` takes them."""
    pixels = np.concatenate([np.ascontiguousarray(image).ravel() for image in images])
    return [pixels, np.array([image.shape[:2] for image in images], np.int64)]


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
