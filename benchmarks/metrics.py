"""Confusion matrices, metrics and merged classes of label images: grader, reference, torchmetrics and loops."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_confusion_matrix,
    multiclass_jaccard_index,
)

from benchmarks.notebook import class_ious
from benchmarks.options import Options
from benchmarks.tables import Cell, Table
from benchmarks.timing import timed_in_turn
from grading.assignment.assignment import read_assignment
from grading.scoring.metrics import IGNORED, Array, confusion_per_image, metrics_of, reduced_labels
from solutions.classes import reduce_classes
from solutions.metrics import confusion_matrix, mean_iou, pixel_accuracy

IMAGES, HEIGHT, WIDTH = 8, 360, 480
SMALLEST = (2, 36, 48)
CLASSES = 11
TOLERANCE = 1e-5  # torchmetrics computes in float32

Work = Callable[[], object]


def run(options: Options) -> list[Table]:
    """One table: each task, done by each implementation. They must agree."""
    torch.set_num_threads(options.computing_threads)
    shape = SMALLEST if options.smallest else (IMAGES, HEIGHT, WIDTH)
    generator = np.random.default_rng(0)
    predicted = generator.integers(0, CLASSES, shape, np.uint8)
    labels = generator.integers(0, CLASSES + 1, shape, np.uint8)
    labels[labels == CLASSES] = IGNORED
    rows: list[tuple[Cell, ...]] = []
    agree = True
    for task, implementations in _tasks(predicted, labels).items():
        rows += _rows(task, implementations, options)
        agree &= _agree(implementations)
    title = f"{shape[0]} label images of {shape[2]} x {shape[1]}, {CLASSES} classes and ignored pixels"
    columns = ("task", "implementation", "time", "time / first")
    notes = () if agree else ("The implementations DISAGREE.",)
    return [Table(title, columns, rows, notes, failed=not agree)]


def _tasks(predicted: NDArray[np.uint8], labels: NDArray[np.uint8]) -> dict[str, dict[str, Work]]:
    """Implementations of each task, the grader's first; each gets what it takes best."""
    ours, theirs = torch.from_numpy(predicted), torch.from_numpy(labels)
    given: dict[str, Any] = {"num_classes": CLASSES, "ignore_index": IGNORED}
    mapping = read_assignment().configuration("Q2-3-merged").mapping
    return {
        "confusion matrix": {
            "grader, image by image": lambda: confusion_per_image(predicted, labels, CLASSES)[:, :-1].sum(axis=0),
            "solutions": lambda: confusion_matrix(ours, theirs, CLASSES, ignore_index=IGNORED),
            "torchmetrics": lambda: multiclass_confusion_matrix(ours, theirs, **given),
            "loops over pairs of classes": lambda: _matrix_by_loops(predicted, labels),
        },
        "mean IoU": {
            "grader": lambda: _graded("miou_standard", predicted, labels),
            "solutions": lambda: mean_iou(ours, theirs, CLASSES, ignore_index=IGNORED),
            "torchmetrics": lambda: multiclass_jaccard_index(ours, theirs, **given),
            "loop over classes": lambda: _miou_by_loop(predicted, labels),
        },
        "pixel accuracy": {
            "grader": lambda: _graded("accuracy_standard", predicted, labels),
            "solutions": lambda: pixel_accuracy(ours, theirs, ignore_index=IGNORED),
            "torchmetrics": lambda: multiclass_accuracy(ours, theirs, average="micro", **given),
        },
        "11 classes merged into 3": {
            "grader": lambda: reduced_labels(labels, mapping),
            "solutions": lambda: reduce_classes(theirs, dict(mapping), ignore_index=IGNORED),
        },
    }


def _rows(task: str, implementations: Mapping[str, Work], options: Options) -> list[tuple[Cell, ...]]:
    times = timed_in_turn(implementations, options.runs, warm_up=not options.smallest)
    first, *_ = times.values()
    return [(task, name, timing.wall, timing.wall.times(first.wall)) for name, timing in times.items()]


def _agree(implementations: Mapping[str, Work]) -> bool:
    """Whether all give the same."""
    first, *others = (_array(work()) for work in implementations.values())
    return all(np.allclose(first, other, rtol=0, atol=TOLERANCE) for other in others)


def _array(answer: object) -> Array:
    return answer.numpy() if isinstance(answer, Tensor) else np.asarray(answer)


def _graded(metric: str, predicted: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
    return metrics_of([metric], confusion_per_image(predicted, labels, CLASSES))[metric]


def _matrix_by_loops(predicted: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    matrix = np.zeros((CLASSES, CLASSES), np.int64)
    for target in range(CLASSES):
        for prediction in range(CLASSES):
            matrix[target, prediction] = ((labels == target) & (predicted == prediction)).sum()
    return matrix


def _miou_by_loop(predicted: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
    there = labels != IGNORED
    return float(np.nanmean(class_ious(predicted[there], labels[there], CLASSES)))
