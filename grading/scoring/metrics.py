"""Logits and labels to metrics, under both protocols of the report. Never sees student code."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Classes

IGNORED = 255

Array = NDArray[Any]


class UnusableLogits(Exception):
    """The logits cannot be scored; one line that says why."""


def counted(logits: Array, labels: Array) -> NDArray[np.int64]:
    """What every metric is made from: for each image, the pixels of each pair of target and prediction.

    Args:
        logits: float (N, C) with labels (N,), or (N, C, H, W) with labels (N, H, W).
        labels: uint8, IGNORED where a pixel has no class.

    Returns:
        int64 (N, C + 1, C); see `confusion_per_image`. A classified image counts as one pixel.
    """
    return confusion_per_image(argmax_over_classes(logits), labels, logits.shape[1])


def metrics_of(task: str, counts: NDArray[np.int64]) -> dict[str, float]:
    """All metrics of a task, in [0, 1], by name.

    Args:
        task: `"classification"` or `"segmentation"`.
        counts: from `counted`.
    """
    if task == "classification":
        return {"accuracy": standard(counts)["accuracy_standard"]}
    return {**as_reported(counts), **standard(counts)}


def usable(logits: Array, shape: tuple[int, ...], num_classes: int) -> None:
    """Check that there is one finite logit for each class of each label of an array of labels of this shape.

    Raises:
        UnusableLogits: there is not.
    """
    wanted = (shape[0], num_classes, *shape[1:])
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
    parts = Parts.of(counts)
    accuracies = parts.right.sum(axis=1) / counts.sum(axis=(1, 2))
    return {"miou_reported": parts.value("miou_reported"), "accuracy_reported": float(accuracies.mean())}


def standard(counts: NDArray[np.int64]) -> dict[str, float]:
    """One confusion matrix over all images, ignored pixels left out."""
    parts = Parts.of(counts)
    total = counts[:, :-1].sum()
    return {
        "miou_standard": parts.value("miou_standard"),
        "accuracy_standard": float(parts.right.sum() / total) if total else float("nan"),
    }


@dataclass(frozen=True, eq=False)
class Parts:
    """What the metrics that verdicts rest on are made from, image by image: arrays (N, C), pixels.

    Attributes:
        right: predicted rightly as the class.
        union: of the class or predicted as it, ignored pixels left out.
        ignored: ignored pixels that are predicted as the class.
    """

    right: Array
    union: Array
    ignored: Array

    @classmethod
    def of(cls, counts: Array) -> "Parts":
        """From `counted`, or the mean of several."""
        squares = counts[:, :-1]
        right = np.diagonal(squares, axis1=1, axis2=2)
        return cls(right, squares.sum(axis=2) + squares.sum(axis=1) - right, counts[:, -1])

    def value(self, metric: str, images: NDArray[np.int64] | None = None) -> float:
        """`accuracy`, `miou_reported` or `miou_standard` over the images, or over a choice of them with repeats.

        Raises:
            ValueError: there is no such metric.
        """
        right, union, ignored = (
            part if images is None else part[images] for part in (self.right, self.union, self.ignored)
        )
        match metric:
            case "accuracy":
                return float(right.sum() / len(right))
            case "miou_reported":
                return _mean(_mean_over_images(_ratio(right, union + ignored)))
            case "miou_standard":
                return _mean(_ratio(right.sum(axis=0), union.sum(axis=0)))
            case _:
                raise ValueError(f"no metric {metric!r} is made from an image's counts")


def predicts_one_class(counts: Array) -> bool:
    """Whether every pixel of every image got the same class."""
    return np.count_nonzero(counts.sum(axis=(0, 1))) == 1


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


def _ratio(right: Array, union: Array) -> Array:
    """IoU; NaN where there is no union."""
    return np.divide(right, union, out=np.full(right.shape, np.nan), where=union > 0)


def _mean(ious: Array) -> float:
    present = ious[~np.isnan(ious)]
    return float(present.mean()) if present.size else float("nan")
