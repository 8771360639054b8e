"""The metrics of part 2 by their definitions, pixel by pixel, and the values that common mistakes lead to.

`arguments` are those of `strategies.segmentations`. `pred` and `target` are int64 (pixels,): the pixels that a metric
counts. `classes` is their number.
"""

import math
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from .strategies import Spec

Pixels = tuple[np.ndarray, np.ndarray]  # predictions and targets
Guesses = Iterator[tuple[ArrayLike, str]]  # the value that a mistake leads to, and how to tell a student

METRICS = ("confusion_matrix", "pixel_accuracy", "class_iou", "mean_iou")

IGNORED = "pixels whose target is ignore_index do not count at all"
OVERFLOW = "target * num_classes + pred overflows in uint8: convert to int64 first"
NOTHING = "where no pixel counts it is NaN: 0/0 stays NaN, no epsilon"
NO_EPSILON = "a class that is neither in the target nor in the prediction is NaN: 0/0 stays NaN, no epsilon, no clamp"


def by_definition(metric: str, arguments: Spec) -> np.ndarray:
    """The right value of one metric: (C, C) int64, (C,) float64 or a float64 without axes."""
    return DEFINITIONS[metric](*_counted_pixels(arguments), arguments["num_classes"])


def confusion_matrix(pred: np.ndarray, target: np.ndarray, classes: int) -> np.ndarray:
    """Number of pixels by target (row) and prediction (column)."""
    matrix = np.zeros((classes, classes), dtype="int64")
    for predicted, true in zip(pred, target, strict=True):
        matrix[true, predicted] += 1
    return matrix


def pixel_accuracy(pred: np.ndarray, target: np.ndarray, _: int) -> np.ndarray:
    """Share of the pixels that are right, NaN if there is no pixel."""
    return np.array(float(np.sum(pred == target)) / target.size if target.size else math.nan)


def class_iou(pred: np.ndarray, target: np.ndarray, classes: int) -> np.ndarray:
    """By class: pixels where both are the class, by pixels where either is; NaN if the class is in neither."""
    both, true, predicted = _counts_by_class(pred, target, classes)
    return _quotients(both, true + predicted - both)


def mean_iou(pred: np.ndarray, target: np.ndarray, classes: int) -> np.ndarray:
    """Mean of `class_iou` over the classes that are in the target or in the prediction, NaN if there is none."""
    return _mean(class_iou(pred, target, classes))


DEFINITIONS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "confusion_matrix": confusion_matrix,
    "pixel_accuracy": pixel_accuracy,
    "class_iou": class_iou,
    "mean_iou": mean_iou,
}


def mistakes(metric: str, arguments: Spec) -> Guesses:
    """Values that common mistakes lead to, the most likely mistakes first.

    A mistake that shows only with several images, or with ignored pixels, comes before one that shows in any row of
    pixels.
    """
    yield from _means_over_images(metric, arguments)
    of_this_metric = WRONG_FORMULAS[metric](*_counted_pixels(arguments), arguments["num_classes"])
    of_pixels = _wrong_pixels(metric, arguments)
    if arguments["ignore_index"] is not None and np.any(arguments["target"] == arguments["ignore_index"]):
        yield from of_pixels
        yield from of_this_metric
    else:
        yield from of_this_metric
        yield from of_pixels


def _means_over_images(metric: str, arguments: Spec) -> Guesses:
    if arguments["pred"].ndim < 2 or not arguments["pred"].size:
        return
    images = zip(arguments["pred"], arguments["target"], strict=True)
    values = [by_definition(metric, {**arguments, "pred": pred, "target": target}) for pred, target in images]
    for mean in (_mean(values), sum(values) / len(values)):
        yield mean, "the mean over images: a metric counts the pixels of all of them together"


def _wrong_pixels(metric: str, arguments: Spec) -> Guesses:
    """Values of the right formula on a wrong choice of pixels."""
    classes = arguments["num_classes"]
    choices = _without_ignored(arguments) if arguments["ignore_index"] is None else _with_ignored(arguments)
    for (pred, target), hint in choices:
        in_range = all(((labels >= 0) & (labels < classes)).all() for labels in (pred, target))
        if in_range or metric == "pixel_accuracy":
            yield DEFINITIONS[metric](pred, target, classes), hint
    if metric in ("class_iou", "mean_iou"):
        both, true, _ = _counts_by_class(*_counted_pixels(arguments), classes)
        _, _, predicted_anywhere = _counts_by_class(*_all_pixels(arguments), classes)
        iou = _quotients(both, true + predicted_anywhere - both)
        for value in (iou, _mean(iou)):
            yield value, f"{IGNORED}: here their predictions enlarge the union"


def _without_ignored(arguments: Spec) -> Iterator[tuple[Pixels, str]]:
    """Wrong choices of pixels if there is no ignore_index."""
    pred, target = _all_pixels(arguments)
    yield (pred[target != 255], target[target != 255]), "255 is a label like any other where ignore_index is None"
    yield (pred[-1:], target[-1:]), "`target == None` is False, no mask: ignore_index may be None"


def _with_ignored(arguments: Spec) -> Iterator[tuple[Pixels, str]]:
    """Wrong choices of pixels, or of their labels, if there is an ignore_index."""
    (pred, target), label = _all_pixels(arguments), arguments["ignore_index"]
    ignored = target == label
    yield (pred, np.where(ignored, pred, target)), f"{IGNORED}: here they count as right"
    yield (np.where(ignored, 0, pred), np.where(ignored, 0, target)), f"{IGNORED}: here they count as class 0"
    yield (pred, target), f"{IGNORED}: here they count{': `if ignore_index` is false for 0' if label == 0 else ''}"
    for counted, what in (
        (pred != label, "here a pixel is left out by its prediction, not by its target"),
        ((pred != label) & ~ignored, "here pixels are left out by their prediction too"),
        (~ignored | (pred != label), "here only those are left out that are predicted as it too"),
        (ignored, "here only they count"),
        (target < label, "here those whose target is larger are left out too"),
    ):
        yield (pred[counted], target[counted]), f"{IGNORED}: {what}"


def _wrong_matrix(pred: np.ndarray, target: np.ndarray, classes: int) -> Guesses:
    right = confusion_matrix(pred, target, classes)
    yield right.T, "it is transposed: rows are targets, columns predictions"
    once = "a pair that occurs several times counts once: index_put_ with accumulate=True, scatter_add_, or np.add.at"
    yield np.minimum(right, 1), once
    yield np.diag(np.diag(right)), "wrong pixels count too: they are what is off the diagonal"
    shares = right / np.maximum(right.sum(1, keepdims=True), 1)
    for values in (shares, shares.astype("float32")):
        yield values, "it holds counts, not shares of a row"
    wrapped = np.bincount((target * classes + pred) % 256, minlength=classes**2)
    if wrapped.size == classes**2:
        yield wrapped.reshape(classes, classes), OVERFLOW


def _wrong_accuracy(pred: np.ndarray, target: np.ndarray, classes: int) -> Guesses:
    right = pixel_accuracy(pred, target, classes)
    if not target.size:
        yield from _numbers_for_nothing()
        return
    yield np.floor(right), "divide as floats: an integer division leaves 0 or 1"
    yield np.sum(pred == target) % 256 / target.size, "the sum of right pixels wraps at 256: do not sum in uint8"
    yield 100 * right, "a share in [0, 1], not per cent"
    for digits in (2, 3, 4):
        yield right.round(digits), "do not round"
    both, true, _ = _counts_by_class(pred, target, classes)
    yield _mean(_quotients(both, true)), "the mean over classes: it is the share of all pixels that are right"


def _wrong_iou(pred: np.ndarray, target: np.ndarray, classes: int) -> Guesses:
    right = class_iou(pred, target, classes)
    both, true, _ = _counts_by_class(pred, target, classes)
    for absent in (0.0, 1.0):
        yield np.where(np.isnan(right), absent, right), NO_EPSILON
    yield right[~np.isnan(right)], "one value for each of the num_classes, NaN for a class in neither"
    yield np.where(both == 0, math.nan, right), "a class that is never right has IoU 0: NaN is for a class in neither"
    yield np.where(true == 0, math.nan, right), "a class that is predicted but not in the target has IoU 0, not NaN"
    yield from _wrong_unions(pred, target, classes)
    yield np.floor(right), "divide as floats: an integer division leaves 0 or 1"
    for digits in (2, 3, 4):
        yield right.round(digits), "do not round"


def _wrong_unions(pred: np.ndarray, target: np.ndarray, classes: int) -> Guesses:
    """IoU with something else than the pixels of target or prediction below the line."""
    both, true, predicted = _counts_by_class(pred, target, classes)
    union = "divide by the pixels of target or prediction, both counted once: row sum + column sum - diagonal"
    for denominator, what in (
        (true, "this is the recall"),
        (predicted, "this is the precision"),
        (true + predicted, "the union counts the pixels in both twice"),
        (true + predicted - 2 * both, "the union leaves out the pixels in both"),
        (2 * true - both, "both sums run over the same axis"),
        (2 * predicted - both, "both sums run over the same axis"),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):
            yield both / denominator, f"{what}: {union}"
    yield _quotients(2 * both, true + predicted), f"this is the Dice coefficient: {union}"
    for epsilon in 10.0 ** np.arange(-9, 1):
        for above in (epsilon, 0):
            yield (both + above) / (true + predicted - both + epsilon), NO_EPSILON


def _wrong_mean_iou(pred: np.ndarray, target: np.ndarray, classes: int) -> Guesses:
    if not target.size:
        yield from _numbers_for_nothing()
        return
    yield from _wrong_means(pred, target, classes)
    yield (
        pixel_accuracy(pred, target, classes),
        "this is the pixel accuracy: a class counts by the IoU of all its pixels, not pixel by pixel",
    )
    for wrong_iou, hint in _wrong_iou(pred, target, classes):
        yield _mean(wrong_iou), hint


def _wrong_means(pred: np.ndarray, target: np.ndarray, classes: int) -> Guesses:
    """Other averages of the right IoUs than the mean over the classes that are present."""
    iou = class_iou(pred, target, classes)
    both, true, predicted = _counts_by_class(pred, target, classes)
    present = iou[~np.isnan(iou)]
    yield iou.mean(), "absent classes make it NaN: leave them out of the mean"
    for absent in (0, 1):
        hint = f"absent classes count as {absent}: leave them out of the mean; 0/0 stays NaN, no epsilon"
        yield np.nan_to_num(iou, nan=absent).mean(), hint
    yield _mean(iou[true > 0]), "a class that is predicted but not in the target counts too, as 0"
    yield _mean(iou[predicted > 0]), "a class that is in the target but never predicted counts too, as 0"
    yield _mean(present[present > 0]), "a class that is present but never right counts, as 0"
    yield _mean(iou[1:]), "class 0 is a class like any other"
    yield np.nansum(iou * true) / true.sum(), "all classes that are present weigh the same, rare ones too"
    yield both.sum() / (true + predicted - both).sum(), "the mean of the classes' IoUs, not all their pixels together"
    yield np.median(present), "the mean, not the median"


WRONG_FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray, int], Guesses]] = {
    "confusion_matrix": _wrong_matrix,
    "pixel_accuracy": _wrong_accuracy,
    "class_iou": _wrong_iou,
    "mean_iou": _wrong_mean_iou,
}


def _numbers_for_nothing() -> Guesses:
    """Numbers in place of the NaN of a share of no pixels."""
    for value in (0.0, 1.0):
        yield value, NOTHING


def _counted_pixels(arguments: Spec) -> Pixels:
    """The pixels that count: those whose target is not ignored."""
    pred, target = _all_pixels(arguments)
    if arguments["ignore_index"] is None:
        return pred, target
    counted = target != arguments["ignore_index"]
    return pred[counted], target[counted]


def _all_pixels(arguments: Spec) -> Pixels:
    return arguments["pred"].ravel().astype(int), arguments["target"].ravel().astype(int)


def _counts_by_class(pred: np.ndarray, target: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By class, int64 (classes,): pixels where both are the class, where the target is, where the prediction is."""
    labels = np.arange(classes)[:, None]
    return ((pred == labels) & (target == labels)).sum(1), (target == labels).sum(1), (pred == labels).sum(1)


def _quotients(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    """float64, NaN for 0/0."""
    return np.array([n / d if d else math.nan for n, d in zip(numerators, denominators, strict=True)])


def _mean(values: ArrayLike) -> np.ndarray:
    """The mean over the first axis of what is not NaN; NaN, without a warning, if nothing is left."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(np.asarray(values), axis=0))
