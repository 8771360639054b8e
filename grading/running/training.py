"""One training: its job for a worker, its limits, and the scores of what comes back."""

import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import MOST_PEAK_BYTES, Run
from grading.protocol.limits import MIB, Limits
from grading.protocol.questions import StudentRaised
from grading.protocol.wire import Plain
from grading.running.evidence import Shown
from grading.running.last_epoch import answers_in, layers_in
from grading.running.plan import Plan
from grading.running.validation import training_rule, validation_sets
from grading.sandbox.worker import GraderError, WorkerStopped
from grading.sandbox.workers import AnyWorker
from grading.scoring.epochs import ScoredTraining
from grading.scoring.metrics import Array, UnusablePredictions
from grading.scoring.network_checks import NetworkCheckFailed, check_built, check_trained
from grading.scoring.validation_set import ValidationSet
from grading.tasks.registry import task_of

TRANSFORM_BYTES = 256 * MIB  # of a process that makes pictures beside the training
Progress = Callable[[Configuration, int, dict[str, float]], None]
Keep = Callable[[str, Shown], None]


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
    blinding = sets[0].blinding
    job["train_images"] = [train_images.pixels[: train_images.starts[count]], train_images.shapes[:count]]
    job |= task_of(configuration).labels_for_worker(train_labels[:count], configuration, blinding)
    job["validation_images"] = [_packed(validation.blinding.images(validation.images)) for validation in sets]
    job["validation_epochs"] = [validation.epochs for validation in sets]
    job["copies"] = [validation.blinding.copies for validation in sets]
    return sets, job


def training_limits(plan: Plan, configuration: Configuration, sets: Sequence[ValidationSet]) -> Limits:
    """What a training may use: the time that follows from the reference's, and memory by the profile's size."""
    largest = max(validation.labels[0].size * len(validation.blinding.order) for validation in sets)
    seconds = plan.seconds_allowed(configuration)
    usual = Limits()
    # The real networks need more than the mini ones, and a GPU's driver maps more still.
    beside = plan.transform_processes * TRANSFORM_BYTES
    memory = usual.data_bytes if plan.profile_name == "mini" else max(usual.data_bytes, _machine_bytes() // 2)
    return Limits(
        seconds=seconds,
        cpu_seconds=int(seconds * max(plan.threads, 2)),
        data_bytes=memory,
        resident_bytes=memory + usual.resident_bytes - usual.data_bytes + beside,
        # Workers side by side may share a user, whose processes the system counts together.
        processes=(usual.processes + 4 * (os.cpu_count() or 1) + plan.transform_processes) * plan.parallel,
        reply_bytes=largest + MIB,
    )


def train_and_score(
    plan: Plan, configuration: Configuration, seed: int, worker: AnyWorker, progress: Progress, keep: Keep
) -> Run:
    """Train one configuration with one seed. Whatever goes wrong is the failure of this training alone.

    Args:
        progress: called after each epoch with its metrics.
        keep: called with the configuration's id and what people look at, once for the first seed; not of a control,
            which is secret.
    """
    start = time.perf_counter()
    num_classes = configuration.num_classes
    history: list[dict[str, float]] = []
    kind, failure, counts, peak = "FINISHED", None, None, None
    shown = Shown()
    try:
        sets, job = blinded(plan, configuration, seed)
        scored = ScoredTraining(sets, num_classes)
        history = scored.history
        events = worker.train(job, training_limits(plan, configuration, sets))
        first = next(events, None)
        shown = Shown(layers_in(first))
        check_built(configuration, _part(first, "built", "layers"), _head_size(job, num_classes))
        for event in events:
            if scored.is_full:
                check_trained(configuration, _part(event, "trained", "peak_bytes"))
                peak = peak_claimed_in(event)
                continue
            progress(configuration, seed, scored.add(event, plan.device))
            if scored.is_full:
                shown = replace(shown, answers=answers_in(event, configuration, sets[-1]))
        scored.close(learns=not (plan.withheld or configuration.control))
        counts = scored.counts_by_image()
    except (StudentRaised, UnusablePredictions, NetworkCheckFailed) as error:
        kind, failure = "FAIL", str(error)
    except WorkerStopped as error:
        kind, failure = error.kind, error.message
    except Exception as error:  # of one training: the others go on
        kind, failure = "GRADER_ERROR", str(error) if isinstance(error, GraderError) else grader_fault(error)
    if seed == 0 and not configuration.control:
        keep(configuration.id, shown)
    seconds = time.perf_counter() - start
    return Run(configuration.id, seed, tuple(history), seconds, kind, failure, counts, peak)


def peak_claimed_in(event: Plain) -> int | None:
    """The most memory of a GPU that a training took, as its last event says; None without a GPU, or for nonsense."""
    peak = event["peak_bytes"]
    return peak if type(peak) is int and 0 < peak < MOST_PEAK_BYTES else None


def grader_fault(error: Exception) -> str:
    """What an instructor reports: the kind of an unforeseen error, and the line of the grader that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"


def _part(event: Plain, name: str, *others: str) -> Plain:
    return event[name] if isinstance(event, dict) and set(event) == {name, *others} else None


def _head_size(job: Plain, num_classes: int) -> int:
    """Weights and biases of a new head in place of the last Linear of the first backbone; 0 if there is none."""
    linear = [array for weights in job["weights"].values() for array in weights.values() if array.ndim == 2]
    return (linear[-1].shape[1] + 1) * num_classes if linear else 0


def _packed(images: Sequence[Array]) -> list[Array]:
    """Pixels and shapes of images, as `Images.of` takes them."""
    pixels = np.concatenate([np.ascontiguousarray(image).ravel() for image in images])
    return [pixels, np.array([image.shape[:2] for image in images], np.int64)]


def _machine_bytes() -> int:
    return int(psutil.virtual_memory().total)
