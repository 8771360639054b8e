"""Carrying out a plan: trainings in workers, scored here, written into the journal as they end."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from typing import IO

import numpy as np

from grading.assignment import Configuration
from grading.data.crops import centre_crop
from grading.disguise import Disguise
from grading.journal import Journal, Run
from grading.plan import Plan
from grading.probes import StudentRaised
from grading.scoring import Array, UnusableLogits, reduced_labels, score, usable
from grading.workers.limits import MIB, Limits
from grading.workers.process import GraderError, Worker, WorkerStopped
from grading.workers.wire import Plain

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
    try:
        futures = {pool.submit(train, configuration, seed): (configuration, seed) for configuration, seed in waiting}
        for future in as_completed(futures):
            run = future.result()
            journal.add(run)
            finished(run)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.close()


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
    train_images, train_labels = data.train_images, data.train_labels
    count = min(len(train_images), plan.limit or len(train_images))
    job["train_images"] = [train_images.pixels[: train_images.starts[count]], train_images.shapes[:count]]
    if configuration.classes is None:
        job["train_labels"] = disguise.labels(train_labels[:count])
        job["validation_images"] = _packed(disguise.images(data.validation_images))
    else:
        job["train_labels"] = np.array(train_labels[:count])
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
        reply_bytes=4 * labels.size * plan.num_classes(configuration) + MIB,
    )


def _trained(plan: Plan, configuration: Configuration, seed: int, worker: Worker, progress: Progress) -> Run:
    start = time.perf_counter()
    labels = np.asarray(validation_labels(plan, configuration))
    disguise, job = disguised(plan, configuration, seed)
    num_classes = plan.num_classes(configuration)
    history: list[dict[str, float]] = []
    kind, failure = "FINISHED", None
    epochs = int(job["protocol"]["epochs"])
    try:
        for epoch in worker.train(job, training_limits(plan, configuration, labels)):
            if len(history) == epochs:
                raise UnusableLogits("more epochs than were asked for")
            loss, logits = checked_epoch(epoch)
            usable(logits, labels, num_classes)
            metrics = score(configuration.task, disguise.logits(logits), labels, num_classes)
            history.append({"epoch": len(history) + 1, "loss": loss, **metrics})
            progress(configuration, seed, history[-1])
        if len(history) < epochs:
            raise UnusableLogits(f"{len(history)} of {epochs} epochs came back")
    except (StudentRaised, UnusableLogits) as error:
        kind, failure = "FAIL", str(error)
    except WorkerStopped as error:
        kind, failure = error.kind, error.message
    except GraderError as error:
        kind, failure = "GRADER_ERROR", str(error)
    return Run(configuration.id, seed, tuple(history), time.perf_counter() - start, kind, failure)


def checked_epoch(epoch: Plain) -> tuple[float, Array]:
    """Loss and logits of an epoch as a worker sent it.

    Raises:
        UnusableLogits: it sent something else.
    """
    match epoch:
        case {"loss": float(loss), "logits": np.ndarray() as logits} if logits.dtype == np.float32:
            return loss, logits
        case _:
            raise UnusableLogits("an epoch without a loss and float32 logits")


def _packed(images: Sequence[Array]) -> list[Array]:
    """Pixels and shapes of images, as `Images.of` takes them."""
    pixels = np.concatenate([np.ascontiguousarray(image).ravel() for image in images])
    return [pixels, np.array([image.shape[:2] for image in images], np.int64)]


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
