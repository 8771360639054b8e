"""Carrying out a plan: trainings in workers, scored here, written into the journal as they end."""

import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import IO

import numpy as np

from grading.assignment import Configuration
from grading.data.crops import centre_crop
from grading.disguise import TWINS, Disguise
from grading.journal import Journal, Run
from grading.plan import Plan
from grading.probes import StudentRaised
from grading.scored import ScoredTraining
from grading.scoring import (
    Array,
    UnusableLogits,
    reduced_labels,
)
from grading.structure import Broken, check_built, check_trained
from grading.workers.limits import MIB, Limits
from grading.workers.process import GraderError, Worker, WorkerStopped
from grading.workers.wire import Plain

Progress = Callable[[Configuration, int, dict[str, float]], None]
Wanted = Callable[[Mapping[tuple[str, int], Run]], list[tuple[Configuration, int]]]


def validation_labels(plan: Plan, configuration: Configuration) -> Array:
    """The labels that the logits of a configuration are scored against: (N,), or (N, crop, crop) of its classes."""
    labels = plan.datasets[configuration.task].validation_labels
    if configuration.classes is None:
        return labels
    return reduced_labels(centre_crop(labels, plan.protocol(configuration)["crop"]), configuration.classes)


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


def disguised(plan: Plan, configuration: Configuration, seed: int) -> tuple[Disguise, Plain]:
    """The secrets of one training, and its job as the worker gets it: with training data and validation images."""
    data = plan.datasets[configuration.task]
    disguise = Disguise.draw(
        plan.key,
        f"{configuration.id} seed {seed}",
        images=len(data.validation_images),
        classes=plan.num_classes(configuration),
    )
    job = plan.training_job(configuration, seed)
    train_images = data.train_images
    count = min(len(train_images), plan.limit or len(train_images))
    train_labels = np.array(data.train_labels[:count])
    if configuration.shuffled:
        train_labels = disguise.shuffled(train_labels)
    job["train_images"] = [train_images.pixels[: train_images.starts[count]], train_images.shapes[:count]]
    if configuration.classes is None:
        job["train_labels"] = disguise.labels(train_labels)
        job["validation_images"] = _packed(disguise.images(data.validation_images))
    else:
        job["train_labels"] = train_labels
        job["mapping"] = disguise.mapping(configuration.classes.mapping)
        crops = centre_crop(data.validation_images.stacked(), plan.protocol(configuration)["crop"])
        job["validation_images"] = _packed(disguise.images(crops))
    return disguise, job


def training_limits(plan: Plan, configuration: Configuration, labels: Array) -> Limits:
    """What a training may use: the time that follows from the reference's, and memory by the profile's size."""
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
        reply_bytes=4 * (labels.size + TWINS * labels[0].size) * plan.num_classes(configuration) + MIB,
    )


def _trained(plan: Plan, configuration: Configuration, seed: int, worker: Worker, progress: Progress) -> Run:
    start = time.perf_counter()
    labels = np.asarray(validation_labels(plan, configuration))
    disguise, job = disguised(plan, configuration, seed)
    num_classes, epochs = plan.num_classes(configuration), int(job["protocol"]["epochs"])
    scored = ScoredTraining(configuration, labels, disguise, num_classes, epochs)
    kind, failure = "FINISHED", None
    try:
        reports = worker.train(job, training_limits(plan, configuration, labels))
        check_built(configuration, _said(next(reports, None), "built"), _head_size(job, num_classes))
        for report in reports:
            if scored.is_full:
                check_trained(configuration, _said(report, "trained"))
                continue
            progress(configuration, seed, scored.add(report, plan.device))
        scored.close(learns=not (plan.withheld or configuration.shuffled))
    except (StudentRaised, UnusableLogits, Broken) as error:
        kind, failure = "FAIL", str(error)
    except WorkerStopped as error:
        kind, failure = error.kind, error.message
    except GraderError as error:
        kind, failure = "GRADER_ERROR", str(error)
    seconds = time.perf_counter() - start
    return Run(configuration.id, seed, tuple(scored.history), seconds, kind, failure, scored.images())


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
