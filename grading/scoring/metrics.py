"""Predictions and labels to metrics, as the report computes them and in the standard way. Never sees student code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from jaxtyping import Float, Int64, UInt8

IGNORED = 255

Array = NDArray[Any]


class UnusablePredictions(Exception):
    """The predictions cannot be scored; one line that says why."""


def metrics_of(names: Iterable[str], counts: Int64[Array, "images classes+1 classes"]) -> dict[str, float]:
    """Metrics in [0, 1] by name, of all images together.

    Args:
        names: of METRICS.
        counts: from `confusion_per_image`.

    Raises:
        KeyError: there is no such metric.
    """
    by_image = ImageCounts.of(counts)
    return {name: METRICS[name](by_image) for name in names}


def check_predictions(predictions: Array, shape: tuple[int, ...], num_classes: int) -> None:
    """Check that there is one class in [0, C) for each label of an array of labels of this shape.

    Raises:
        UnusablePredictions: there is not.
    """
    if predictions.dtype != np.uint8 or predictions.shape != shape:
        got = f"{predictions.dtype} of shape {predictions.shape}"
        raise UnusablePredictions(f"predictions: {got} in place of uint8 of shape {shape}")
    if predictions.max(initial=0) >= num_classes:
        raise UnusablePredictions(f"predictions hold class {predictions.max()} of {num_classes}, counted from 0")


def confusion_per_image(
    predicted: UInt8[Array, "images ..."], labels: UInt8[Array, "images ..."], num_classes: int
) -> Int64[Array, "images classes+1 classes"]:
    """What every metric is made from: for each image, the pixels of each pair of target and prediction.

    Args:
        predicted: (N,), or (N, H, W) for a class for each pixel. A classified image counts as one pixel.
        labels: likewise, IGNORED if a pixel has no class.

    Returns:
        int64 (N, C + 1, C), rows are targets, the last one ignored pixels, columns predictions.
    """
    cells = (num_classes + 1) * num_classes
    number = np.min_scalar_type(cells - 1).type  # a byte in most cases: twice as fast as int64
    counts = []
    for image, target in zip(predicted, labels, strict=True):  # one at a time fits into the cache
        pairs = np.minimum(target, num_classes).astype(number) * number(num_classes) + image
        counts.append(np.bincount(pairs.ravel(), minlength=cells))
    return np.stack(counts).reshape(-1, num_classes + 1, num_classes)


@dataclass(frozen=True, eq=False)
class ImageCounts:
    """What every metric is made from, image by image: numbers of pixels, or their means over seeds.

    Attributes:
        right: predicted rightly as the class.
        union: of the class or predicted as it, ignored pixels left out.
        ignored: ignored pixels that are predicted as the class.
    """

    right: Float[Array, "images classes"]
    union: Float[Array, "images classes"]
    ignored: Float[Array, "images classes"]

    @classmethod
    def of(cls, counts: Float[Array, "images classes+1 classes"]) -> ImageCounts:
        """From `confusion_per_image`, or the mean of several."""
        squares = counts[:, :-1]
        right = np.diagonal(squares, axis1=1, axis2=2)
        return cls(right, squares.sum(axis=2) + squares.sum(axis=1) - right, counts[:, -1])

    def of_images(self, images: Int64[Array, " images"]) -> ImageCounts:
        """A choice of images, with repeats: for the bootstrap."""
        return ImageCounts(self.right[images], self.union[images], self.ignored[images])

    @property
    def labelled(self) -> Float[Array, " images"]:
        """Pixels that have a class: each is counted once as a target and once as a prediction."""
        return (self.union.sum(axis=1) + self.right.sum(axis=1)) / 2


def accuracy(counts: ImageCounts) -> float:
    """Images that are classified rightly over all images."""
    return float(counts.right.sum() / len(counts.right))


def miou_reported(counts: ImageCounts) -> float:
    """Mean IoU as the report computes it, image by image over all pixels.

    IoU of each class (an ignored pixel that is predicted as a class counts in its union; NaN if the class is in
    neither), mean over images, then over classes.
    """
    return _mean(_mean_over_images(_ratio(counts.right, counts.union + counts.ignored)))


def accuracy_reported(counts: ImageCounts) -> float:
    """Pixel accuracy as the report computes it: right pixels over all pixels of an image, mean over images."""
    return float((counts.right.sum(axis=1) / (counts.labelled + counts.ignored.sum(axis=1))).mean())


def miou_standard(counts: ImageCounts) -> float:
    """Mean IoU of one confusion matrix over all images, ignored pixels left out."""
    return _mean(_ratio(counts.right.sum(axis=0), counts.union.sum(axis=0)))


def accuracy_standard(counts: ImageCounts) -> float:
    """Right pixels over all pixels that have a class, of all images together; NaN if there are none."""
    total = counts.labelled.sum()
    return float(counts.right.sum() / total) if total else float("nan")


METRICS: Mapping[str, Callable[[ImageCounts], float]] = {
    "accuracy": accuracy,
    "miou_reported": miou_reported,
    "accuracy_reported": accuracy_reported,
    "miou_standard": miou_standard,
    "accuracy_standard": accuracy_standard,
}
"""Every metric by the name that assignment.toml, histories and results call it."""


def predicts_one_class(counts: Float[Array, "images classes+1 classes"]) -> bool:
    """Whether every pixel of every image got the same class."""
    return np.count_nonzero(counts.sum(axis=(0, 1))) == 1


def reduced_labels(labels: UInt8[Array, "*shape"], mapping: Iterable[tuple[int, int]]) -> UInt8[Array, "*shape"]:
    """Labels under rules from old to new ones; IGNORED if there is no rule for one."""
    table = np.full(256, IGNORED, dtype=np.uint8)
    for old, new in mapping:
        table[old] = new
    return table[labels]


def accuracy_ceiling(labels: UInt8[Array, "images height width"]) -> float:
    """The highest accuracy as reported that these labels allow: the mean share of pixels that have a class."""
    return float(np.mean(labels != IGNORED, axis=(1, 2)).mean())


def _mean_over_images(ious: Float[Array, "images classes"]) -> Float[Array, " classes"]:
    present = ~np.isnan(ious)
    total = np.where(present, ious, 0.0).sum(axis=0)
    return np.divide(total, present.sum(axis=0), out=np.full(len(total), np.nan), where=present.any(axis=0))


def _ratio(right: Float[Array, "*shape"], union: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """IoU; NaN if there is no union."""
    return np.divide(right, union, out=np.full(right.shape, np.nan), where=union > 0)


def _mean(ious: Float[Array, " classes"]) -> float:
    present = ious[~np.isnan(ious)]
    return float(present.mean()) if present.size else float("nan")
