"""Logits and labels to metrics, under both protocols of the report. Never sees student code."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.assignment import Classes

IGNORED = 255

Array = NDArray[Any]


class UnusableLogits(Exception):
    """The logits cannot be scored; one line that says why."""


def score(task: str, logits: Array, labels: Array, num_classes: int) -> dict[str, float]:
    """All metrics of a task.

    Args:
        task: `"classification"`, logits (N, C) and labels (N,), or `"segmentation"`, logits (N, C, H, W) and labels
            (N, H, W), IGNORED where a pixel has no class.
        logits: float.
        labels: uint8.

    Returns:
        Metrics in [0, 1] by name.

    Raises:
        UnusableLogits: see `usable`.
    """
    usable(logits, labels, num_classes)
    predicted = argmax_over_classes(logits)
    if task == "classification":
        return {"accuracy": float(np.mean(predicted == labels))}
    counts = confusion_per_image(predicted, labels, num_classes)
    return {**as_reported(counts), **standard(counts)}


def usable(logits: Array, labels: Array, num_classes: int) -> None:
    """Check that there is one finite logit for each class of each label.

    Raises:
        UnusableLogits: there is not.
    """
    wanted = (len(labels), num_classes, *labels.shape[1:])
    if logits.shape != wanted:
        raise UnusableLogits(f"logits of shape {logits.shape} in place of {wanted}")
    if not np.isfinite(logits).all():
        raise UnusableLogits("logits hold NaN or infinity: the training diverged")


def argmax_over_classes(logits: Array) -> NDArray[np.uint8]:
    """The class of the largest logit along axis 1, the first of equals, as uint8.

    A running maximum reads the classes one after another, as they lie in memory: several times faster than
    `argmax(axis=1)`.
    """
    largest = logits[:, 0].copy()
    predicted = np.zeros(largest.shape, dtype=np.uint8)
    for label in range(1, logits.shape[1]):
        above = logits[:, label] > largest
        predicted[above] = label
        largest[above] = logits[:, label][above]
    return predicted


def confusion_per_image(predicted: Array, labels: Array, num_classes: int) -> NDArray[np.int64]:
    """Pixels of each pair: int64 (N, C + 1, C), rows are targets, the last one ignored pixels, columns predictions."""
    rows = np.minimum(labels, num_classes).astype(np.int64)
    pairs = rows * num_classes + predicted
    cells = (num_classes + 1) * num_classes
    counts = [np.bincount(image.ravel(), minlength=cells) for image in pairs]
    return np.stack(counts).reshape(-1, num_classes + 1, num_classes)


def as_reported(counts: NDArray[np.int64]) -> dict[str, float]:
    """The report's own metrics, image by image over all pixels.

    IoU of each class (an ignored pixel that is predicted as a class counts in its union; NaN where the class is in
    neither), mean over images, then over classes. Accuracy is right pixels over all pixels, mean over images.
    """
    squares = counts[:, :-1]
    right = np.diagonal(squares, axis1=1, axis2=2)
    unions = squares.sum(axis=2) + counts.sum(axis=1) - right
    ious = np.divide(right, unions, out=np.full(right.shape, np.nan), where=unions > 0)
    accuracies = right.sum(axis=1) / counts.sum(axis=(1, 2))
    return {"miou_reported": _mean(_mean_over_images(ious)), "accuracy_reported": float(accuracies.mean())}


def standard(counts: NDArray[np.int64]) -> dict[str, float]:
    """One confusion matrix over all images, ignored pixels left out."""
    matrix = counts[:, :-1].sum(axis=0)
    right = np.diagonal(matrix)
    unions = matrix.sum(axis=0) + matrix.sum(axis=1) - right
    ious = np.divide(right, unions, out=np.full(right.shape, np.nan), where=unions > 0)
    total = matrix.sum()
    return {
        "miou_standard": _mean(ious),
        "accuracy_standard": float(right.sum() / total) if total else float("nan"),
    }


def reduced_labels(labels: NDArray[np.uint8], classes: Classes) -> NDArray[np.uint8]:
    """The labels under a choice of classes; IGNORED where there is no rule."""
    table = np.full(256, IGNORED, dtype=np.uint8)
    for old, new in classes.mapping:
        table[old] = new
    return table[labels]


def accuracy_ceiling(labels: NDArray[np.uint8]) -> float:
    """The highest accuracy as reported that these labels allow: the mean share of pixels that have a class."""
    return float(np.mean(labels != IGNORED, axis=(1, 2)).mean())


def _mean_over_images(ious: Array) -> Array:
    present = ~np.isnan(ious)
    total = np.where(present, ious, 0.0).sum(axis=0)
    return np.divide(total, present.sum(axis=0), out=np.full(len(total), np.nan), where=present.any(axis=0))


def _mean(ious: Array) -> float:
    present = ious[~np.isnan(ious)]
    return float(present.mean()) if present.size else float("nan")
