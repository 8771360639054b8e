"""Faces, augmented in the training's own process, and in processes that work ahead of it."""

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor
from torchvision.transforms import Compose, PILToTensor, RandomHorizontalFlip, RandomResizedCrop

from benchmarks.options import Options
from benchmarks.pictures import Pictures
from benchmarks.tables import Table
from benchmarks.timing import timed_in_turn
from grading.data.arrays import Images
from grading.running.plan import MOST_TRANSFORM_PROCESSES
from grading.worker.training.ahead import batches_of_views
from grading.worker.training.tutorial import TutorialViews
from grading.worker.training.views import Batch, TransformedViews, Views
from solutions.augmentation import face_train_transform

SIZE = 224
BATCH = 4  # the report's
EPOCHS = 12  # so many pictures that the start of processes counts as little as in a training

FACE = "face_train_transform of solutions"
TUTORIAL = "the tutorial's, on bytes"
TORCHVISION = "the tutorial's, by torchvision"
Variant = tuple[str, int]  # an augmentation, and how many processes make it; 0 for in line


def transformed(pictures: Pictures, options: Options) -> Table:
    """Pictures a second of each augmentation, by the number of processes; torchvision's own in line alone."""
    torch.set_num_threads(1)
    images = pictures.dataset.train_images
    starts = range(0, len(images) - BATCH + 1, BATCH)
    epochs = 1 if options.smallest else EPOCHS
    batches = [Batch(epoch, range(first, first + BATCH)) for epoch in range(epochs) for first in starts]
    numbers = {FACE: _numbers(options), TUTORIAL: _numbers(options), TORCHVISION: [0]}
    variants = [(name, processes) for name in numbers for processes in numbers[name]]
    views = _views(images)
    work: dict[Variant, Callable[[], None]] = {
        (name, processes): partial(_make, views[name], batches, processes) for name, processes in variants
    }
    times = timed_in_turn(work, options.runs, warm_up=not options.smallest)
    sums = {(name, processes): _checksum(views[name], batches, processes) for name, processes in variants}
    count = BATCH * len(batches)
    rows = [
        (
            name,
            processes or "in line",
            timing.wall,
            count / timing.wall.median,
            times[name, 0].wall.times(timing.wall),
            "yes" if sums[name, processes] == sums[name, 0] else "NO",
        )
        for (name, processes), timing in times.items()
    ]
    return Table(
        f"{count} faces at {SIZE}, the start of processes included",
        ("augmentation", "processes", "time", "pictures / s", "speed-up", "same pictures"),
        rows,
        failed=any(row[-1] == "NO" for row in rows),
    )


def _views(images: Images) -> dict[str, Views]:
    """What makes the pictures of each augmentation."""
    steps = [RandomResizedCrop(SIZE), RandomHorizontalFlip(), PILToTensor()]
    return {
        FACE: TransformedViews(face_train_transform(SIZE), images, SIZE, torch.float32, seed=0),
        TUTORIAL: TutorialViews(images, SIZE, seed=0),
        TORCHVISION: TransformedViews(Compose(steps), images, SIZE, torch.uint8, seed=0),
    }


def _make(views: Views, batches: Sequence[Batch], processes: int) -> None:
    """Make all batches, as a training takes them."""
    for _ in _made(views, batches, processes):
        pass


def _checksum(views: Views, batches: Sequence[Batch], processes: int) -> int:
    """Equal for equal pictures."""
    checksum = 0
    for made in _made(views, batches, processes):
        checksum = zlib.crc32(made.numpy().data, checksum)
    return checksum


def _made(views: Views, batches: Sequence[Batch], processes: int) -> Iterator[Tensor]:
    maker = batches_of_views(views, batches, processes)
    try:
        for _ in batches:
            yield maker.next()
    finally:
        maker.close()


def _numbers(options: Options) -> list[int]:
    """In line, then one process, then twice as many each time, up to the cores and to what a training takes."""
    most = min(os.cpu_count() or 1, MOST_TRANSFORM_PROCESSES)
    return [0, *(1 << power for power in range(most.bit_length()))][: 2 if options.smallest else None]
