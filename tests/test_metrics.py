"""Q2-1: confusion matrix, pixel accuracy, class IoU and mean IoU."""

from contextlib import nullcontext
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_confusion_matrix, multiclass_jaccard_index

from .expect import EXACT, SIX_DIGITS, accepted, expect, expect_close, refused, told_labels
from .metric_definitions import IGNORED, METRICS, NO_EPSILON, NOTHING, OVERFLOW, by_definition, mistakes
from .strategies import Spec, segmentations

pytestmark = [pytest.mark.q2_1, pytest.mark.about("confusion_matrix")]


def measured(student, metric: str, given: Spec) -> Spec:
    """Ask for one metric; `pixel_accuracy` takes no num_classes."""
    num_classes = None if metric == "pixel_accuracy" else given["num_classes"]
    return student.ask("metrics.measure", metric=metric, **{**given, "num_classes": num_classes})


def told(metric: str, given: Spec) -> str:
    classes = "" if metric == "pixel_accuracy" else f", {given['num_classes']}"
    ignore = "" if given["ignore_index"] is None else f", ignore_index={given['ignore_index']}"
    return f"{metric}(pred={told_labels(given['pred'])}, target={told_labels(given['target'])}{classes}{ignore})"


def expect_measured(seen: Spec, metric: str, given: Spec, hint: str = "") -> None:
    """The value of the definition, with a guess at the mistake where there is another one."""
    right, got = by_definition(metric, given), seen["value"]
    hint = hint or HINTS[metric]
    if np.shape(got) != right.shape:
        hint = f"{right.shape} whatever occurs: num_classes says how many classes there are, not the labels"
    elif np.any(np.isnan(right) & ~np.isnan(got)):
        hint = NO_EPSILON if np.ndim(right) else NOTHING
    expect_close(got, right, told(metric, given), hint, mistakes=mistakes(metric, given), tolerance=TOLERANCES[metric])


HINTS = {
    "confusion_matrix": "count pairs (target, pred) over the pixels whose target is not ignore_index",
    "pixel_accuracy": "divide the right pixels by the pixels whose target is not ignore_index, as floats",
    "class_iou": "TP / (TP + FP + FN): row sum + column sum - diagonal of the confusion matrix is the union",
    "mean_iou": "the mean over the classes that are in the target or the prediction, all with the same weight",
}
DTYPES = {"confusion_matrix": "int64", "class_iou": "float64"}
TOLERANCES = dict.fromkeys(METRICS, SIX_DIGITS) | {"confusion_matrix": EXACT}


def expect_dtype(seen: Spec, metric: str, given: Spec) -> None:
    wanted = DTYPES.get(metric)
    expect(
        seen["dtype"] == wanted,
        f"{told(metric, given)}: {wanted}",
        seen["dtype"],
        "counts are int64: neither float nor smaller integers" if wanted == "int64" else "return float64, not float32",
    )


# Every mistake in `metric_definitions` that shows without ignored pixels leads to another value here.
SEVEN = {
    "pred": np.array([0, 4, 0, 1, 0, 3, 1]),
    "target": np.array([0, 0, 2, 1, 2, 1, 1]),
    "num_classes": 6,
    "ignore_index": None,
}


def expect_right(student, metric: str, given: Spec, hint: str = "", *, asked_with: str = "") -> Spec:
    """The value of the definition, for these pixels and for nine others: no constant is right twice.

    Args:
        asked_with: the hint if the student's code raises.

    Returns:
        What was seen of these pixels.
    """
    with accepted(asked_with) if asked_with else nullcontext():
        seen = measured(student, metric, given)
    expect_measured(seen, metric, given, hint)
    expect_depends(student, metric)
    return seen


def expect_depends(student, metric: str) -> None:
    """The value of the definition for nine pixels, which is none that another test asks for."""
    expect_measured(measured(student, metric, NINE), metric, NINE)


NINE = {**SEVEN, "pred": np.append(SEVEN["pred"], [1, 1]), "target": np.append(SEVEN["target"], [1, 1])}


def some_ignored(ignore_index: int) -> Spec:
    """Ten pixels, on which every mistake about ignored ones leads to another value."""
    return {
        "pred": np.array([3, 3, 1, 0, 3, 0, 1, 0, 1, 1]),
        "target": np.array([3, 1, ignore_index, 1, 0, 1, 1, ignore_index, 1, ignore_index]),
        "num_classes": 4,
        "ignore_index": ignore_index,
    }


@pytest.mark.parametrize("metric", METRICS)
def test_seven_pixels(student, metric: str) -> None:
    """of seven pixels three are right: class 2 is never predicted, 3 and 4 are only predicted, 5 occurs nowhere"""
    seen = expect_right(student, metric, SEVEN)
    expect_dtype(seen, metric, SEVEN)


@pytest.mark.parametrize("metric", ["confusion_matrix", "class_iou"])
def test_a_result_stays_as_it_is(student, metric: str) -> None:
    """a second call does not change what the first one returned"""
    seen = student.ask("metrics.measure", metric=metric, **SEVEN, then_exchanged=True)
    hint = "make a new tensor in each call: one that is kept and filled again is the result of every call"
    expect_right(student, metric, SEVEN)
    asked = f"{told(metric, SEVEN)}, after another call with pred and target exchanged"
    expect_close(seen["value"], by_definition(metric, SEVEN), asked, hint, tolerance=TOLERANCES[metric])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("ignore_index", [255, 3, 0, -100])
def test_ignored_pixels(student, metric: str, ignore_index: int) -> None:
    """pixels whose target is ignore_index do not count, be it a class or not; predictions of that class do"""
    hint = f"{IGNORED}: leave them out by their target first, then check and count what is left"
    expect_right(student, metric, some_ignored(ignore_index), asked_with=hint)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("ignore_index", [255, -100, 0])
def test_anything_may_be_predicted_where_the_target_is_ignored(student, metric: str, ignore_index: int) -> None:
    """pixels whose target is ignore_index do not count at all, whatever is predicted there"""
    given_ = {
        "pred": np.array([1, 2, 255, -1, 7, 3, 0, 1]),
        "target": np.array([1, 1, *[ignore_index] * 4, 2, 2]),
        "num_classes": 4,
        "ignore_index": ignore_index,
    }
    hint = "leave the ignored pixels out first, then check and count the labels of the others"
    expect_right(student, metric, given_, hint, asked_with=hint)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("size", [0, 3])
def test_no_pixel_counts(student, metric: str, size: int) -> None:
    """without pixels, or where all are ignored, shares are NaN and counts are 0"""
    given_ = {
        "pred": np.ones(size, dtype="int64"),
        "target": np.full(size, 255),
        "num_classes": 3,
        "ignore_index": 255,
    }
    hint = "no pixel counts: counts are 0 and shares are NaN, without an epsilon"
    expect_right(student, metric, given_, hint, asked_with=hint)


@pytest.mark.parametrize("metric", ["confusion_matrix", "class_iou", "mean_iou"])
@pytest.mark.parametrize("dtypes", [("uint8", "uint8"), ("int64", "uint8"), ("uint8", "int64"), ("int64", "int64")])
@pytest.mark.parametrize("num_classes", [20, 150])
def test_many_classes(student, metric: str, dtypes: tuple[str, str], num_classes: int) -> None:
    """more pairs of classes than a byte can number"""
    labels = np.arange(num_classes)
    given_ = {
        "pred": labels[::-1].astype(dtypes[0]),
        "target": np.minimum(labels + 1, num_classes - 1).astype(dtypes[1]),
        "num_classes": num_classes,
        "ignore_index": None,
    }
    given_["pred"][:5] = given_["target"][:5]
    expect_right(student, metric, given_, OVERFLOW)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_more_pixels_than_a_byte_counts(student, metric: str, dtype: str) -> None:
    """400 pixels, 300 of them right"""
    target = np.arange(400, dtype=dtype).reshape(20, 20) % 3
    given_ = {"pred": target.copy(), "target": target, "num_classes": 4, "ignore_index": None}
    given_["pred"][:5] = 3
    expect_right(student, metric, given_)


@pytest.mark.about("confusion_matrix")
def test_more_pixels_than_two_bytes_count(student) -> None:
    """40000 pixels of one class"""
    target = np.ones((200, 200), dtype="uint8")
    given_ = {"pred": target, "target": target, "num_classes": 2, "ignore_index": None}
    expect_right(student, "confusion_matrix", given_)


@pytest.mark.about("pixel_accuracy")
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_every_label_counts_where_none_is_ignored(student, dtype: str) -> None:
    """ignore_index defaults to None: 255 and 0 are labels like others"""
    target = np.array([255, 255, 0, 0, 0, 7], dtype=dtype)
    pred = np.array([255, 0, 0, 255, 0, 7], dtype=dtype)
    given_ = {"pred": pred, "target": target, "num_classes": 256, "ignore_index": None}
    expect_right(student, "pixel_accuracy", given_)


def shaped(shape: tuple[int, ...], dtype: str, seed: int = 1) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).integers(0, 3, shape), dtype=dtype)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", [(12,), (3, 5), (5, 3), (2, 3, 4), (2, 1, 3, 2)])
def test_all_pixels_count_alike(student, metric: str, shape: tuple[int, ...]) -> None:
    """the metrics of a batch are those of all its pixels in one row"""
    target = shaped(shape, "int64")
    pred = np.where(shaped(shape, "int64", 2) > 0, target, shaped(shape, "int64", 3))
    partly = target.copy()
    partly.reshape(-1)[1 : target.size // 3] = 255  # so that images and rows have different shares
    for labels, ignore_index in ((target, None), (partly, 255)):
        given_ = {"pred": pred, "target": labels, "num_classes": 4, "ignore_index": ignore_index}
        expect_measured(
            measured(student, metric, given_),
            metric,
            given_,
            "do not average over images, rows or columns: one image counts by its pixels",
        )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("side", ["pred", "target"])
@pytest.mark.parametrize("layout", ["transposed", "strided"])
def test_any_memory_layout(student, metric: str, side: str, layout: str) -> None:
    """pred or target may be a view of other memory: transposed, or every second element"""
    given_ = {
        "pred": np.array([[0, 1, 2, 0], [1, 1, 0, 2], [2, 0, 0, 0]]),
        "target": np.array([[0, 1, 2, 0], [0, 1, 0, 2], [0, 0, 1, 0]]),
        "num_classes": 3,
        "ignore_index": None,
    }
    expect_right(student, metric, given_)
    hint = "tensors of one shape may lie in memory in different orders: reshape(-1) follows the shape, memory does not"
    seen = measured(student, metric, {**given_, f"{side}_layout": layout})
    expect_measured(seen, metric, given_, hint)


@given(given_=segmentations())
def test_confusion_matrix(student, given_: Spec) -> None:
    """rows are targets, columns predictions; pixels whose target is ignored do not count"""
    seen = measured(student, "confusion_matrix", given_)
    expect_measured(seen, "confusion_matrix", given_)
    expect_dtype(seen, "confusion_matrix", given_)


@pytest.mark.about("pixel_accuracy")
@given(given_=segmentations())
def test_pixel_accuracy(student, given_: Spec) -> None:
    """share of right pixels among those that count, NaN if none does"""
    expect_measured(measured(student, "pixel_accuracy", given_), "pixel_accuracy", given_)


@pytest.mark.about("class_iou")
@given(given_=segmentations())
def test_class_iou(student, given_: Spec) -> None:
    """TP / (TP + FP + FN) by class, NaN if the class is in neither"""
    seen = measured(student, "class_iou", given_)
    expect_measured(seen, "class_iou", given_)
    expect_dtype(seen, "class_iou", given_)


@pytest.mark.about("mean_iou")
@given(given_=segmentations())
def test_mean_iou(student, given_: Spec) -> None:
    """mean over the classes that are present, NaN if none is"""
    expect_measured(measured(student, "mean_iou", given_), "mean_iou", given_)


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=12)
@given(given_=segmentations(filled=True))
def test_inputs_are_untouched(student, metric: str, given_: Spec) -> None:
    """pred and target stay as they are"""
    seen = measured(student, metric, given_)
    for name in ("pred", "target"):
        expect_close(
            seen[name],
            given_[name],
            f"{name} after {told(metric, given_)}",
            "write into a copy, never into an argument",
        )
    expect_measured(seen, metric, given_)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("shape", "other"),
    [
        ((2, 3), (3, 2)),
        ((6,), (2, 3)),
        ((1, 3), (3,)),
        ((3, 1), (3, 4)),
        ((4,), (5,)),
        ((), (1,)),
        ((3, 4), (2, 3, 4)),
        ((1, 3, 4), (2, 3, 4)),
        ((3, 4), (1, 3, 4)),
        ((2, 3, 4, 5), (2, 4, 5)),
    ],
)
def test_refuses_different_shapes(student, metric: str, shape: tuple[int, ...], other: tuple[int, ...]) -> None:
    """different shapes are a ValueError, even where they broadcast or have as many elements"""
    for (pred, target), ignore_index in product([(shape, other), (other, shape)], [None, 255]):
        given_ = {"pred": shaped(pred, "int64"), "num_classes": 3, "ignore_index": ignore_index}
        same = {**given_, "target": np.asarray((given_["pred"] + 1) // 2)}
        expect_measured(measured(student, metric, same), metric, same)
        asked = f"{metric}(pred of shape {pred}, target of shape {target}, ignore_index={ignore_index})"
        with refused(asked, "compare the shapes first"):
            measured(student, metric, {**given_, "target": shaped(target, "int64")})


@st.composite
def countable(draw: st.DrawFn) -> Spec:
    """A segmentation whose pixels all count."""
    given_ = draw(segmentations(filled=True))
    given_["ignore_index"] = draw(st.sampled_from([None, 253, 255]))
    for side in ("pred", "target"):
        given_[side] = np.asarray(given_[side] % given_["num_classes"]).astype(given_[side].dtype)
    return given_


@pytest.mark.parametrize("metric", ["confusion_matrix", "class_iou", "mean_iou"])
@pytest.mark.parametrize("side", ["pred", "target"])
@settings(max_examples=8)
@given(given_=countable(), position=st.integers(0, 2**16))
def test_refuses_labels_out_of_range(student, metric: str, side: str, given_: Spec, position: int) -> None:
    """a label outside [0, C) that is not ignored is a ValueError"""
    expect_measured(measured(student, metric, given_), metric, given_)
    outside = {given_["num_classes"], given_["num_classes"] + 1, 254, 255} - {given_["ignore_index"]}
    if given_[side].dtype == np.int64:
        outside |= {-1, -100, 256}
    for label in sorted(outside, key=abs):
        labels = given_[side].copy()
        labels.reshape(-1)[position % labels.size] = label
        hint = f"check that all labels that count are in [0, num_classes), those of {side} too"
        if label == 256 or (label == -1 and given_["ignore_index"] == 255):
            hint = f"check int64 labels of {side} as they are: in uint8, 256 is 0 and -1 is 255"
        elif label < 0:
            hint = f"check that no label that counts is negative, in {side} too"
        elif label == 255:
            hint = f"255 is a label like any other where ignore_index is {given_['ignore_index']}"
        wrong = {**given_, side: labels}
        with refused(told(metric, wrong), hint):
            measured(student, metric, wrong)


@pytest.mark.parametrize("metric", ["confusion_matrix", "class_iou", "mean_iou"])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_refuses_a_prediction_of_the_ignored_label(student, metric: str, dtype: str) -> None:
    """only pixels whose target is ignore_index are left out: 255 as a prediction is a ValueError"""
    given_ = {
        "pred": np.array([0, 255, 1], dtype),
        "target": np.array([0, 255, 0], dtype),
        "num_classes": 2,
        "ignore_index": 255,
    }
    hint = "a pixel whose target is ignored does not count at all: its prediction may be any label"
    expect_measured(measured(student, metric, given_), metric, given_, hint)
    wrong = {**given_, "target": np.array([0, 1, 255], dtype)}
    with refused(told(metric, wrong), "ignore_index is about the target only"):
        measured(student, metric, wrong)


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
    expect_depends(student, "confusion_matrix")


def test_more_pixels_than_float32_counts(student) -> None:
    """2**24 + 3 pixels, as in a validation set of CamVid at full size, are counted one by one"""
    seen = student.ask("metrics.count_many", pixels=2**24 + 3)
    expect_close(
        seen["counts"],
        [[seen["pixels"]]],
        f"confusion_matrix(pred, target, 1), both uint8 zeros of shape ({seen['pixels']},)",
        "float32 counts to 2**24 = 16777216 and no further: count in int64, or float64, and convert before you sum",
    )
    expect_depends(student, "confusion_matrix")


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
    expect_depends(student, "confusion_matrix")
    expect_depends(student, "mean_iou")


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
        "count all pixels, in int64",
        tolerance=TOLERANCES[metric],
    )
    expect_depends(student, metric)
