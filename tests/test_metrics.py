"""Q2-1: confusion matrix, pixel accuracy, class IoU and mean IoU."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_confusion_matrix, multiclass_jaccard_index

from .expect import expect, expect_close, refused
from .strategies import Spec, segmentations

pytestmark = pytest.mark.q2_1

METRICS = ("confusion_matrix", "pixel_accuracy", "class_iou", "mean_iou")


def counted(given: Spec) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that count: those whose target is not ignored."""
    pred, target = given["pred"].ravel().astype(int), given["target"].ravel().astype(int)
    if given["ignore_index"] is None:
        return pred, target
    return pred[target != given["ignore_index"]], target[target != given["ignore_index"]]


def confusion(given: Spec) -> np.ndarray:
    """The definition, pixel by pixel: row = target, column = prediction."""
    matrix = np.zeros((given["num_classes"], given["num_classes"]), dtype="int64")
    for predicted, true in zip(*counted(given), strict=True):
        matrix[true, predicted] += 1
    return matrix


def accuracy(given: Spec) -> float:
    pred, target = counted(given)
    return math.nan if not target.size else float(np.sum(pred == target)) / target.size


def iou(given: Spec) -> np.ndarray:
    """The definition, class by class: |both| / |either|, NaN where the class is in neither."""
    pred, target = counted(given)
    scores = []
    for label in range(given["num_classes"]):
        either = np.sum((pred == label) | (target == label))
        scores.append(np.sum((pred == label) & (target == label)) / either if either else math.nan)
    return np.array(scores)


def mean_iou(given: Spec) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(np.nanmean(iou(given)))


def measured(student, metric: str, given: Spec) -> Spec:
    """Ask for one metric; `pixel_accuracy` takes no num_classes."""
    num_classes = None if metric == "pixel_accuracy" else given["num_classes"]
    return student.ask("metrics.measure", metric=metric, **{**given, "num_classes": num_classes})


def told(metric: str, given: Spec) -> str:
    classes = "" if metric == "pixel_accuracy" else f", {given['num_classes']}"
    ignore = "" if given["ignore_index"] is None else f", ignore_index={given['ignore_index']}"
    return (
        f"{metric}(pred={given['pred'].dtype} {given['pred'].tolist()}, "
        f"target={given['target'].dtype} {given['target'].tolist()}{classes}{ignore})"
    )


@given(given_=segmentations())
def test_confusion_matrix(student, given_: Spec) -> None:
    """rows are targets, columns predictions; pixels whose target is ignored do not count"""
    right = confusion(given_)
    seen = measured(student, "confusion_matrix", given_)
    hint = "count pairs (target, pred) over the pixels whose target is not ignore_index"
    if seen["value"].shape == right.shape and not np.array_equal(right, right.T):
        if np.array_equal(seen["value"], right.T):
            hint = "it is transposed: rows are targets, columns predictions"
        elif given_["target"].dtype == np.uint8 and given_["num_classes"] > 15:
            hint = "target * num_classes + pred overflows in uint8: convert to int64 first"
    expect(
        seen["dtype"] == "int64",
        f"{told('confusion_matrix', given_)}: int64",
        seen["dtype"],
        "counts are int64",
    )
    expect_close(seen["value"], right, told("confusion_matrix", given_), hint)


@given(given_=segmentations())
def test_pixel_accuracy(student, given_: Spec) -> None:
    """share of right pixels among those that count, NaN where none does"""
    expect_close(
        measured(student, "pixel_accuracy", given_)["value"],
        accuracy(given_),
        told("pixel_accuracy", given_),
        "divide the right pixels by the pixels whose target is not ignore_index, as floats; no pixel: NaN",
    )


@given(given_=segmentations())
def test_class_iou(student, given_: Spec) -> None:
    """TP / (TP + FP + FN) by class, NaN where the class is in neither"""
    seen = measured(student, "class_iou", given_)
    right, asked = iou(given_), told("class_iou", given_)
    hint = "union = row sum + column sum - diagonal of the confusion matrix"
    if seen["value"].shape == right.shape and not np.array_equal(np.isnan(seen["value"]), np.isnan(right)):
        hint = "a class that is neither in the target nor in the prediction is NaN, not 0 or 1; others never are"
    expect(seen["dtype"] == "float64", f"{asked}: float64", seen["dtype"], "divide in float64")
    expect_close(seen["value"], right, asked, hint)


@given(given_=segmentations())
def test_mean_iou(student, given_: Spec) -> None:
    """mean over the classes that are present, NaN where none is"""
    expect_close(
        measured(student, "mean_iou", given_)["value"],
        mean_iou(given_),
        told("mean_iou", given_),
        "leave absent classes out of the mean (nanmean); do not count them as 0 or as 1",
    )


@pytest.mark.parametrize("metric", METRICS)
@given(given_=segmentations())
def test_inputs_are_untouched(student, metric: str, given_: Spec) -> None:
    """pred and target stay as they are"""
    seen = measured(student, metric, given_)
    for name in ("pred", "target"):
        expect_close(seen[name], given_[name], f"{name} after {metric}", "write into a copy, never into an argument")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("shape", "other"),
    [((2, 3), (3, 2)), ((6,), (2, 3)), ((1, 3), (3,)), ((3, 1), (3, 4)), ((4,), (5,)), ((), (1,))],
)
def test_refuses_different_shapes(student, metric: str, shape: tuple[int, ...], other: tuple[int, ...]) -> None:
    """different shapes are a ValueError, even where they broadcast or have as many elements"""
    given_ = {
        "pred": np.zeros(shape, "int64"),
        "target": np.zeros(other, "int64"),
        "num_classes": 2,
        "ignore_index": None,
    }
    with refused(f"{metric}(pred of shape {shape}, target of shape {other})", "compare the shapes first"):
        measured(student, metric, given_)


@st.composite
def out_of_range(draw: st.DrawFn) -> Spec:
    """A segmentation in which one pixel that counts has a label outside [0, num_classes)."""
    given_ = draw(segmentations(filled=True))
    side = draw(st.sampled_from(["pred", "target"]))
    dtype = given_[side].dtype
    outside = [given_["num_classes"], given_["num_classes"] + 1, 254] + ([-1, -7] if dtype == np.int64 else [])
    position = draw(st.integers(0, given_["pred"].size - 1))
    given_["ignore_index"] = draw(st.sampled_from([None, 255]))
    inside = np.asarray(given_["target"] % given_["num_classes"])
    given_["target"] = inside.astype(given_["target"].dtype)
    given_[side].reshape(-1)[position] = draw(st.sampled_from(outside))
    return given_


@pytest.mark.parametrize("metric", ["confusion_matrix", "class_iou", "mean_iou"])
@given(given_=out_of_range())
def test_refuses_labels_out_of_range(student, metric: str, given_: Spec) -> None:
    """a label outside [0, C) that is not ignored is a ValueError"""
    with refused(
        told(metric, given_),
        "check that all labels that count are in [0, num_classes), negative ones too; only the *target* may be "
        "ignore_index",
    ):
        measured(student, metric, given_)


@pytest.mark.parametrize("metric", ["confusion_matrix", "class_iou", "mean_iou"])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_refuses_a_prediction_of_the_ignored_label(student, metric: str, dtype: str) -> None:
    """only pixels whose target is ignore_index are left out: 255 as a prediction is a ValueError"""
    given_ = {
        "pred": np.array([0, 255, 1], dtype),
        "target": np.array([0, 1, 255], dtype),
        "num_classes": 2,
        "ignore_index": 255,
    }
    with refused(told(metric, given_), "ignore_index is about the target only"):
        measured(student, metric, given_)


def test_ignored_label_may_be_a_class(student) -> None:
    """with ignore_index=0, predictions of class 0 still count where the target is another class"""
    given_ = {
        "pred": np.array([0, 0, 1, 1]),
        "target": np.array([0, 1, 1, 0]),
        "num_classes": 2,
        "ignore_index": 0,
    }
    expect_close(
        measured(student, "confusion_matrix", given_)["value"],
        [[0, 0], [1, 1]],
        told("confusion_matrix", given_),
        "leave out pixels by their target, never by their prediction",
    )


def test_against_torchmetrics(student) -> None:
    """agrees with torchmetrics on a large label image"""
    generator = np.random.default_rng(7)
    pred, target = generator.integers(0, 11, (2, 2, 60, 80))
    target[generator.random(target.shape) < 0.1] = 255
    given_ = {"pred": pred, "target": target, "num_classes": 11, "ignore_index": 255}
    tensors = torch.from_numpy(pred), torch.from_numpy(target)
    expect_close(
        measured(student, "confusion_matrix", given_)["value"],
        multiclass_confusion_matrix(*tensors, num_classes=11, ignore_index=255).numpy(),
        "confusion_matrix(two images of 60 x 80, 11 classes, 10 % ignored)",
        "count pixels of all images together",
    )
    expect_close(
        measured(student, "mean_iou", given_)["value"],
        multiclass_jaccard_index(*tensors, num_classes=11, ignore_index=255).item(),
        "mean_iou(two images of 60 x 80, 11 classes, 10 % ignored)",
        "one confusion matrix over all pixels, not a mean over images",
        tolerance=1e-5,
    )


@given(given_=segmentations(filled=True))
def test_mean_over_pixels_not_images(student, given_: Spec) -> None:
    """the metrics of a batch are those of all its pixels in one row"""
    flat = {**given_, "pred": given_["pred"].reshape(-1), "target": given_["target"].reshape(-1)}
    for metric in ("pixel_accuracy", "mean_iou"):
        expect_close(
            measured(student, metric, given_)["value"],
            measured(student, metric, flat)["value"],
            f"{told(metric, given_)}, the same as of all its pixels in one row",
            "do not average over images, rows or columns: one image counts by its pixels",
        )


@pytest.mark.parametrize("metric", METRICS)
def test_benchmark(student, benchmark, metric: str) -> None:
    """eight label images of CamVid's size are measured, and how long that takes"""
    generator = np.random.default_rng(0)
    pred = generator.integers(0, 11, (8, 360, 480)).astype("uint8")
    target = generator.integers(0, 12, (8, 360, 480)).astype("uint8")
    given_ = {"pred": pred, "target": target, "num_classes": 11, "ignore_index": 11}
    seen = benchmark(measured, student, metric, given_)
    matrix = multiclass_confusion_matrix(
        torch.from_numpy(pred).long(), torch.from_numpy(target).long(), num_classes=11, ignore_index=11
    ).numpy()
    diagonal = np.diag(matrix)
    iou_ = diagonal / (matrix.sum(0) + matrix.sum(1) - diagonal)
    right = {
        "confusion_matrix": matrix,
        "pixel_accuracy": diagonal.sum() / matrix.sum(),
        "class_iou": iou_,
        "mean_iou": iou_.mean(),
    }
    expect_close(
        seen["value"],
        right[metric],
        f"{metric}(eight images of 360 x 480, 11 classes, ignore_index=11)",
        "count in int64 and divide in float64: float32 loses pixels",
    )
