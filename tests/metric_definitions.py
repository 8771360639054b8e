"""The metrics of part 2 by their definitions, pixel by pixel, and what common mistakes make of them."""

import math
import warnings
from collections.abc import Iterator

import numpy as np

from .strategies import Spec

IGNORED = "pixels whose target is ignore_index do not count at all"
METRICS = ("confusion_matrix", "pixel_accuracy", "class_iou", "mean_iou")


def by_definition(metric: str, given: Spec) -> np.ndarray:
    """The right value of one metric."""
    return _value(metric, *_counted(given), given["num_classes"])


def mistakes(metric: str, given: Spec) -> Iterator[tuple[np.ndarray, str]]:
    """Values that common mistakes lead to, and how to tell a student, the most likely ones first.

    What needs several images, or ignored pixels, to be seen comes before what one row of pixels shows already.
    """
    counted, classes = _counted(given), given["num_classes"]
    if given["pred"].ndim > 1 and given["pred"].size:
        images = [_value(metric, *_counted({**given, "pred": p, "target": t}), classes) for p, t in _images(given)]
        for value in (_quiet(np.nanmean, images, axis=0), sum(images) / len(images)):
            yield value, "the mean over images: a metric counts the pixels of all of them together"
    some_ignored = given["ignore_index"] is not None and np.any(given["target"] == given["ignore_index"])
    by_kind = [_OF_ITS_OWN[metric](*counted, classes), _of_pixels(metric, given)]
    for kind in reversed(by_kind) if some_ignored else by_kind:
        yield from kind


def _of_pixels(metric: str, given: Spec) -> Iterator[tuple[np.ndarray, str]]:
    counted, classes = _counted(given), given["num_classes"]
    for (pred, target), hint in _pixels(given):
        in_range = all(((labels >= 0) & (labels < classes)).all() for labels in (pred, target))
        if in_range or metric == "pixel_accuracy":
            yield _value(metric, pred, target, classes), hint
    if metric in ("class_iou", "mean_iou"):
        both, true, _ = _sides(*counted, classes)
        iou = _share(both, true + _sides(*_flat(given), classes)[2] - both)
        for value in (iou, _quiet(np.nanmean, iou)):
            yield value, f"{IGNORED}: here their predictions enlarge the union"


def _counted(given: Spec) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that count: those whose target is not ignored."""
    pred, target = _flat(given)
    if given["ignore_index"] is None:
        return pred, target
    return pred[target != given["ignore_index"]], target[target != given["ignore_index"]]


def _flat(given: Spec) -> tuple[np.ndarray, np.ndarray]:
    return given["pred"].ravel().astype(int), given["target"].ravel().astype(int)


def _images(given: Spec) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return zip(given["pred"], given["target"], strict=True)


def _pixels(given: Spec) -> Iterator[tuple[tuple[np.ndarray, np.ndarray], str]]:
    """Other choices of pixels than those that count."""
    pred, target = _flat(given)
    if (ignored := given["ignore_index"]) is None:
        yield (pred[target != 255], target[target != 255]), "255 is a label like any other where ignore_index is None"
        yield (pred[-1:], target[-1:]), "`target == None` is False, no mask: ignore_index may be None"
        return
    left_out = target == ignored
    for pixels, what in (
        ((pred, np.where(left_out, pred, target)), "here they count as right"),
        ((np.where(left_out, 0, pred), np.where(left_out, 0, target)), "here they count as class 0"),
        ((pred, target), "here they count" + (": `if ignore_index` is false for 0" if ignored == 0 else "")),
    ):
        yield pixels, f"{IGNORED}: {what}"
    for kept, what in (
        (pred != ignored, "here a pixel is left out by its prediction, not by its target"),
        ((pred != ignored) & ~left_out, "here pixels are left out by their prediction too"),
        (~left_out | (pred != ignored), "here only those are left out that are predicted as it too"),
        (left_out, "here only they count"),
        (target < ignored, "here those whose target is larger are left out too"),
    ):
        yield (pred[kept], target[kept]), f"{IGNORED}: {what}"


def _value(metric: str, pred: np.ndarray, target: np.ndarray, classes: int) -> np.ndarray:
    return {"confusion_matrix": _confusion, "pixel_accuracy": _accuracy, "class_iou": _iou, "mean_iou": _mean_iou}[
        metric
    ](pred, target, classes)


def _confusion(pred: np.ndarray, target: np.ndarray, classes: int) -> np.ndarray:
    """Row = target, column = prediction."""
    matrix = np.zeros((classes, classes), dtype="int64")
    for predicted, true in zip(pred, target, strict=True):
        matrix[true, predicted] += 1
    return matrix


def _accuracy(pred: np.ndarray, target: np.ndarray, _: int) -> np.ndarray:
    return np.array(float(np.sum(pred == target)) / target.size if target.size else math.nan)


def _sides(pred: np.ndarray, target: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By class: pixels where both are it, where the target is, where the prediction is."""
    labels = np.arange(classes)[:, None]
    return ((pred == labels) & (target == labels)).sum(1), (target == labels).sum(1), (pred == labels).sum(1)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.array([p / w if w else math.nan for p, w in zip(part, whole, strict=True)])


def _iou(pred: np.ndarray, target: np.ndarray, classes: int) -> np.ndarray:
    """|both| / |either|, NaN if the class is in neither."""
    both, true, predicted = _sides(pred, target, classes)
    return _share(both, true + predicted - both)


def _mean_iou(pred: np.ndarray, target: np.ndarray, classes: int) -> np.ndarray:
    return np.array(_quiet(np.nanmean, _iou(pred, target, classes)))


def _quiet(function, values, **keywords):
    """A mean of nothing is NaN, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return function(values, **keywords)


def _wrong_matrix(pred: np.ndarray, target: np.ndarray, classes: int) -> Iterator[tuple[np.ndarray, str]]:
    right = _confusion(pred, target, classes)
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


OVERFLOW = "target * num_classes + pred overflows in uint8: convert to int64 first"
NOTHING = "where no pixel counts it is NaN: 0/0 stays NaN, no epsilon"
NO_EPSILON = "a class that is neither in the target nor in the prediction is NaN: 0/0 stays NaN, no epsilon, no clamp"


def _wrong_accuracy(pred: np.ndarray, target: np.ndarray, classes: int) -> Iterator[tuple[np.ndarray, str]]:
    right = _accuracy(pred, target, classes)
    if not target.size:
        yield from ((np.array(value), NOTHING) for value in (0.0, 1.0))
        return
    yield np.floor(right), "divide as floats: an integer division leaves 0 or 1"
    yield np.sum(pred == target) % 256 / target.size, "the sum of right pixels wraps at 256: do not sum in uint8"
    yield 100 * right, "a share in [0, 1], not per cent"
    for digits in (2, 3, 4):
        yield right.round(digits), "do not round"
    both, true, _ = _sides(pred, target, classes)
    yield _quiet(np.nanmean, _share(both, true)), "the mean over classes: it is the share of all pixels that are right"


def _wrong_iou(pred: np.ndarray, target: np.ndarray, classes: int) -> Iterator[tuple[np.ndarray, str]]:
    right = _iou(pred, target, classes)
    both, true, predicted = _sides(pred, target, classes)
    for absent in (0.0, 1.0):
        yield np.where(np.isnan(right), absent, right), NO_EPSILON
    yield right[~np.isnan(right)], "one value for each of the num_classes, NaN for a class in neither"
    yield np.where(both == 0, math.nan, right), "a class that is never right has IoU 0: NaN is for a class in neither"
    yield np.where(true == 0, math.nan, right), "a class that is predicted but not in the target has IoU 0, not NaN"
    union = "divide by the pixels of target or prediction, both counted once: row sum + column sum - diagonal"
    for whole, what in (
        (true, "this is the recall"),
        (predicted, "this is the precision"),
        (true + predicted, "the union counts the pixels in both twice"),
        (true + predicted - 2 * both, "the union leaves out the pixels in both"),
        (2 * true - both, "both sums run over the same axis"),
        (2 * predicted - both, "both sums run over the same axis"),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):
            yield both / whole, f"{what}: {union}"
    yield _share(2 * both, true + predicted), f"this is the Dice coefficient: {union}"
    for epsilon in 10.0 ** np.arange(-9, 1):
        for above in (epsilon, 0):
            yield (both + above) / (true + predicted - both + epsilon), NO_EPSILON
    yield np.floor(right), "divide as floats: an integer division leaves 0 or 1"
    for digits in (2, 3, 4):
        yield right.round(digits), "do not round"


def _wrong_mean_iou(pred: np.ndarray, target: np.ndarray, classes: int) -> Iterator[tuple[np.ndarray, str]]:
    iou = _iou(pred, target, classes)
    if not target.size:
        yield from ((np.array(value), NOTHING) for value in (0.0, 1.0))
        return
    both, true, predicted = _sides(pred, target, classes)
    present = iou[~np.isnan(iou)]
    yield iou.mean(), "absent classes make it NaN: leave them out of the mean"
    for absent in (0, 1):
        hint = f"absent classes count as {absent}: leave them out of the mean; 0/0 stays NaN, no epsilon"
        yield np.nan_to_num(iou, nan=absent).mean(), hint
    yield _quiet(np.nanmean, iou[true > 0]), "a class that is predicted but not in the target counts too, as 0"
    yield _quiet(np.nanmean, iou[predicted > 0]), "a class that is in the target but never predicted counts too, as 0"
    yield _quiet(np.mean, present[present > 0]), "a class that is present but never right counts, as 0"
    yield _quiet(np.nanmean, iou[1:]), "class 0 is a class like any other"
    yield np.nansum(iou * true) / true.sum(), "all classes that are present weigh the same, rare ones too"
    yield both.sum() / (true + predicted - both).sum(), "the mean of the classes' IoUs, not all their pixels together"
    yield np.median(present), "the mean, not the median"
    yield (
        _accuracy(pred, target, classes),
        "this is the pixel accuracy: a class counts by the IoU of all its pixels, not pixel by pixel",
    )
    for wrong, hint in _wrong_iou(pred, target, classes):
        yield _quiet(np.nanmean, wrong), hint


_OF_ITS_OWN = {
    "confusion_matrix": _wrong_matrix,
    "pixel_accuracy": _wrong_accuracy,
    "class_iou": _wrong_iou,
    "mean_iou": _wrong_mean_iou,
}
