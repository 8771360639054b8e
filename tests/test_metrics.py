"""Q2-1: confusion matrix, pixel accuracy, class IoU and mean IoU."""

from contextlib import nullcontext
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_benchmark.fixture import BenchmarkFixture
from torchmetrics.functional.classification import multiclass_confusion_matrix, multiclass_jaccard_index

from grading.protocol.questions import Student
from grading.protocol.wire import Plain

from .expect import EXACT, SIX_DIGITS, accepted, expect, expect_close, refused, told_labels
from .metric_definitions import IGNORED, METRICS, NO_EPSILON, NOTHING, OVERFLOW, by_definition, mistakes
from .strategies import Spec, segmentations

pytestmark = [pytest.mark.q2_1, pytest.mark.about("confusion_matrix")]


HINTS = {
    "confusion_matrix": "count pairs (target, pred) over the pixels whose target is not ignore_index",
    "pixel_accuracy": "divide the right pixels by the pixels whose target is not ignore_index, as floats",
    "class_iou": "TP / (TP + FP + FN): row sum + column sum - diagonal of the confusion matrix is the union",
    "mean_iou": "the mean over the classes that are in the target or the prediction, all with the same weight",
}
DTYPES = {"confusion_matrix": "int64", "class_iou": "float64"}
TOLERANCES = dict.fromkeys(METRICS, SIX_DIGITS) | {"confusion_matrix": EXACT}

# Every mistake in `metric_definitions` that shows without ignored pixels leads to another value here.
SEVEN: Spec = {
    "pred": np.array([0, 4, 0, 1, 0, 3, 1]),
    "target": np.array([0, 0, 2, 1, 2, 1, 1]),
    "num_classes": 6,
    "ignore_index": None,
}
NINE: Spec = {**SEVEN, "pred": np.append(SEVEN["pred"], [1, 1]), "target": np.append(SEVEN["target"], [1, 1])}


def measure(student: Student, metric: str, arguments: Spec) -> Plain:
    """Ask for one metric; `pixel_accuracy` takes no num_classes."""
    num_classes = None if metric == "pixel_accuracy" else arguments["num_classes"]
    return student.ask("metrics.measure", metric=metric, **{**arguments, "num_classes": num_classes})


def call_text(metric: str, arguments: Spec) -> str:
    pred, target, ignore_index = arguments["pred"], arguments["target"], arguments["ignore_index"]
    classes = "" if metric == "pixel_accuracy" else f", {arguments['num_classes']}"
    ignore = "" if ignore_index is None else f", ignore_index={ignore_index}"
    return f"{metric}(pred={told_labels(pred)}, target={told_labels(target)}{classes}{ignore})"


def expect_value(answer: Plain, metric: str, arguments: Spec, hint: str = "") -> None:
    """The value of the definition; if there is another one, the hint guesses at the mistake."""
    right, got = by_definition(metric, arguments), answer["value"]
    hint = hint or HINTS[metric]
    if np.shape(got) != right.shape:
        hint = f"{right.shape} whatever occurs: num_classes says how many classes there are, not the labels"
    elif np.any(np.isnan(right) & ~np.isnan(got)):
        hint = NO_EPSILON if np.ndim(right) else NOTHING
    guesses, tolerance = mistakes(metric, arguments), TOLERANCES[metric]
    expect_close(got, right, call_text(metric, arguments), hint, mistakes=guesses, tolerance=tolerance)


def expect_dtype(answer: Plain, metric: str, arguments: Spec) -> None:
    wanted = DTYPES.get(metric)
    expect(
        answer["dtype"] == wanted,
        f"{call_text(metric, arguments)}: {wanted}",
        answer["dtype"],
        "counts are int64: neither float nor smaller integers" if wanted == "int64" else "return float64, not float32",
    )


def expect_right(student: Student, metric: str, arguments: Spec, hint: str = "", *, if_it_raises: str = "") -> Plain:
    """The value of the definition, for these pixels and for NINE others: no constant is right twice.

    Args:
        if_it_raises: the hint if the student's code raises.

    Returns:
        What was seen of these pixels.
    """
    with accepted(if_it_raises) if if_it_raises else nullcontext():
        answer = measure(student, metric, arguments)
    expect_value(answer, metric, arguments, hint)
    expect_depends(student, metric)
    return answer


def expect_depends(student: Student, metric: str) -> None:
    """The value of the definition for NINE, for which no other test asks."""
    expect_value(measure(student, metric, NINE), metric, NINE)


def some_ignored(ignore_index: int) -> Spec:
    """Ten pixels on which every mistake about ignored pixels leads to another value."""
    return {
        "pred": np.array([3, 3, 1, 0, 3, 0, 1, 0, 1, 1]),
        "target": np.array([3, 1, ignore_index, 1, 0, 1, 1, ignore_index, 1, ignore_index]),
        "num_classes": 4,
        "ignore_index": ignore_index,
    }


@pytest.mark.parametrize("metric", METRICS)
def test_seven_pixels(student: Student, metric: str) -> None:
    """of seven pixels three are right: class 2 is never predicted, 3 and 4 are only predicted, 5 occurs nowhere"""
    answer = expect_right(student, metric, SEVEN)
    expect_dtype(answer, metric, SEVEN)


@pytest.mark.parametrize("metric", ["confusion_matrix", "class_iou"])
def test_a_result_stays_as_it_is(student: Student, metric: str) -> None:
    """a second call does not change what the first one returned"""
    answer = student.ask("metrics.measure", metric=metric, **SEVEN, then_exchanged=True)
    hint = "make a new tensor in each call: one that is kept and filled again is the result of every call"
    expect_right(student, metric, SEVEN)
    asked = f"{call_text(metric, SEVEN)}, after another call with pred and target exchanged"
    expect_close(answer["value"], by_definition(metric, SEVEN), asked, hint, tolerance=TOLERANCES[metric])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("ignore_index", [255, 3, 0, -100])
def test_ignored_pixels(student: Student, metric: str, ignore_index: int) -> None:
    """pixels whose target is ignore_index do not count, be it a class or not; predictions of that class do"""
    hint = f"{IGNORED}: leave them out by their target first, then check and count what is left"
    expect_right(student, metric, some_ignored(ignore_index), if_it_raises=hint)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("ignore_index", [255, -100, 0])
def test_anything_may_be_predicted_where_the_target_is_ignored(
    student: Student, metric: str, ignore_index: int
) -> None:
    """pixels whose target is ignore_index do not count at all, whatever is predicted there"""
    arguments = {
        "pred": np.array([1, 2, 255, -1, 7, 3, 0, 1]),
        "target": np.array([1, 1, *[ignore_index] * 4, 2, 2]),
        "num_classes": 4,
        "ignore_index": ignore_index,
    }
    hint = "leave the ignored pixels out first, then check and count the labels of the others"
    expect_right(student, metric, arguments, hint, if_it_raises=hint)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("size", [0, 3])
def test_no_pixel_counts(student: Student, metric: str, size: int) -> None:
    """without pixels, or where all are ignored, shares are NaN and counts are 0"""
    arguments = {
        "pred": np.ones(size, dtype="int64"),
        "target": np.full(size, 255),
        "num_classes": 3,
        "ignore_index": 255,
    }
    hint = "no pixel counts: counts are 0 and shares are NaN, without an epsilon"
    expect_right(student, metric, arguments, hint, if_it_raises=hint)


@pytest.mark.parametrize("metric", ["confusion_matrix", "class_iou", "mean_iou"])
@pytest.mark.parametrize("dtypes", [("uint8", "uint8"), ("int64", "uint8"), ("uint8", "int64"), ("int64", "int64")])
@pytest.mark.parametrize("num_classes", [20, 150])
def test_many_classes(student: Student, metric: str, dtypes: tuple[str, str], num_classes: int) -> None:
    """more pairs of classes than a byte can number"""
    labels = np.arange(num_classes)
    pred = labels[::-1].astype(dtypes[0])
    target = np.minimum(labels + 1, num_classes - 1).astype(dtypes[1])
    pred[:5] = target[:5]
    arguments = {"pred": pred, "target": target, "num_classes": num_classes, "ignore_index": None}
    expect_right(student, metric, arguments, OVERFLOW)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_more_pixels_than_a_byte_counts(student: Student, metric: str, dtype: str) -> None:
    """400 pixels, 300 of them right"""
    target = np.arange(400, dtype=dtype).reshape(20, 20) % 3
    pred = target.copy()
    pred[:5] = 3
    arguments = {"pred": pred, "target": target, "num_classes": 4, "ignore_index": None}
    expect_right(student, metric, arguments)


@pytest.mark.about("confusion_matrix")
def test_more_pixels_than_two_bytes_count(student: Student) -> None:
    """40000 pixels of one class"""
    target = np.ones((200, 200), dtype="uint8")
    arguments = {"pred": target, "target": target, "num_classes": 2, "ignore_index": None}
    expect_right(student, "confusion_matrix", arguments)


@pytest.mark.about("pixel_accuracy")
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_every_label_counts_where_none_is_ignored(student: Student, dtype: str) -> None:
    """ignore_index defaults to None: 255 and 0 are labels like others"""
    target = np.array([255, 255, 0, 0, 0, 7], dtype=dtype)
    pred = np.array([255, 0, 0, 255, 0, 7], dtype=dtype)
    arguments = {"pred": pred, "target": target, "num_classes": 256, "ignore_index": None}
    expect_right(student, "pixel_accuracy", arguments)


def random_labels(shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    """int64 labels of three classes."""
    return np.asarray(np.random.default_rng(seed).integers(0, 3, shape), dtype="int64")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", [(12,), (3, 5), (5, 3), (2, 3, 4), (2, 1, 3, 2)])
def test_all_pixels_count_alike(student: Student, metric: str, shape: tuple[int, ...]) -> None:
    """the metrics of a batch are those of all its pixels in one row"""
    target = random_labels(shape)
    pred = np.where(random_labels(shape, 2) > 0, target, random_labels(shape, 3))
    partly = target.copy()
    partly.reshape(-1)[1 : target.size // 3] = 255  # so that images and rows have different shares
    for labels, ignore_index in ((target, None), (partly, 255)):
        arguments = {"pred": pred, "target": labels, "num_classes": 4, "ignore_index": ignore_index}
        expect_value(
            measure(student, metric, arguments),
            metric,
            arguments,
            "do not average over images, rows or columns: one image counts by its pixels",
        )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("side", ["pred", "target"])
@pytest.mark.parametrize("layout", ["transposed", "strided"])
def test_any_memory_layout(student: Student, metric: str, side: str, layout: str) -> None:
    """pred or target may be a view of other memory: transposed, or every second element"""
    arguments = {
        "pred": np.array([[0, 1, 2, 0], [1, 1, 0, 2], [2, 0, 0, 0]]),
        "target": np.array([[0, 1, 2, 0], [0, 1, 0, 2], [0, 0, 1, 0]]),
        "num_classes": 3,
        "ignore_index": None,
    }
    expect_right(student, metric, arguments)
    hint = "tensors of one shape may lie in memory in different orders: reshape(-1) follows the shape, memory does not"
    answer = measure(student, metric, {**arguments, f"{side}_layout": layout})
    expect_value(answer, metric, arguments, hint)


@given(given_=segmentations())
def test_confusion_matrix(student: Student, given_: Spec) -> None:
    """rows are targets, columns predictions; pixels whose target is ignored do not count"""
    answer = measure(student, "confusion_matrix", given_)
    expect_value(answer, "confusion_matrix", given_)
    expect_dtype(answer, "confusion_matrix", given_)


@pytest.mark.about("pixel_accuracy")
@given(given_=segmentations())
def test_pixel_accuracy(student: Student, given_: Spec) -> None:
    """share of right pixels among those that count, NaN if none does"""
    expect_value(measure(student, "pixel_accuracy", given_), "pixel_accuracy", given_)


@pytest.mark.about("class_iou")
@given(given_=segmentations())
def test_class_iou(student: Student, given_: Spec) -> None:
    """TP / (TP + FP + FN) by class, NaN if the class is in neither"""
    answer = measure(student, "class_iou", given_)
    expect_value(answer, "class_iou", given_)
    expect_dtype(answer, "class_iou", given_)


@pytest.mark.about("mean_iou")
@given(given_=segmentations())
def test_mean_iou(student: Student, given_: Spec) -> None:
    """mean over the classes that are present, NaN if none is"""
    expect_value(measure(student, "mean_iou", given_), "mean_iou", given_)


@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=12)
@given(given_=segmentations(filled=True))
def test_inputs_are_untouched(student: Student, metric: str, given_: Spec) -> None:
    """pred and target stay as they are"""
    answer = measure(student, metric, given_)
    for name in ("pred", "target"):
        expect_close(
            answer[name],
            given_[name],
            f"{name} after {call_text(metric, given_)}",
            "write into a copy, never into an argument",
        )
    expect_value(answer, metric, given_)


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
def test_refuses_different_shapes(
    student: Student, metric: str, shape: tuple[int, ...], other: tuple[int, ...]
) -> None:
    """different shapes are a ValueError, even where they broadcast or have as many elements"""
    for (pred_shape, target_shape), ignore_index in product([(shape, other), (other, shape)], [None, 255]):
        pred = random_labels(pred_shape)
        arguments = {
            "pred": pred,
            "target": np.asarray((pred + 1) // 2),
            "num_classes": 3,
            "ignore_index": ignore_index,
        }
        expect_value(measure(student, metric, arguments), metric, arguments)
        asked = f"{metric}(pred of shape {pred_shape}, target of shape {target_shape}, ignore_index={ignore_index})"
        with refused(asked, "compare the shapes first"):
            measure(student, metric, {**arguments, "target": random_labels(target_shape)})


@st.composite
def countable(draw: st.DrawFn) -> Spec:
    """A segmentation whose pixels all count."""
    arguments: Spec = draw(segmentations(filled=True))
    arguments["ignore_index"] = draw(st.sampled_from([None, 253, 255]))
    for side in ("pred", "target"):
        labels = arguments[side]
        arguments[side] = np.asarray(labels % arguments["num_classes"]).astype(labels.dtype)
    return arguments


@pytest.mark.parametrize("metric", ["confusion_matrix", "class_iou", "mean_iou"])
@pytest.mark.parametrize("side", ["pred", "target"])
@settings(max_examples=8)
@given(given_=countable(), position=st.integers(0, 2**16))
def test_refuses_labels_out_of_range(student: Student, metric: str, side: str, given_: Spec, position: int) -> None:
    """a label outside [0, C) that is not ignored is a ValueError"""
    expect_value(measure(student, metric, given_), metric, given_)
    outside = {given_["num_classes"], given_["num_classes"] + 1, 254, 255} - {given_["ignore_index"]}
    if given_[side].dtype == np.int64:
        outside |= {-1, -100, 256}
    for label in sorted(outside, key=abs):
        labels = given_[side].copy()
        labels.reshape(-1)[position % labels.size] = label
        wrong = {**given_, side: labels}
        with refused(call_text(metric, wrong), _not_refused(label, side, given_["ignore_index"])):
            measure(student, metric, wrong)


def _not_refused(label: int, side: str, ignore_index: int | None) -> str:
    """Why a label out of range may have been taken for one that is allowed."""
    if label == 256 or (label == -1 and ignore_index == 255):
        return f"check int64 labels of {side} as they are: in uint8, 256 is 0 and -1 is 255"
    if label < 0:
        return f"check that no label that counts is negative, in {side} too"
    if label == 255:
        return f"255 is a label like any other where ignore_index is {ignore_index}"
    return f"check that all labels that count are in [0, num_classes), those of {side} too"


@pytest.mark.parametrize("metric", ["confusion_matrix", "class_iou", "mean_iou"])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_refuses_a_prediction_of_the_ignored_label(student: Student, metric: str, dtype: str) -> None:
    """only pixels whose target is ignore_index are left out: 255 as a prediction is a ValueError"""
    arguments = {
        "pred": np.array([0, 255, 1], dtype),
        "target": np.array([0, 255, 0], dtype),
        "num_classes": 2,
        "ignore_index": 255,
    }
    hint = "a pixel whose target is ignored does not count at all: its prediction may be any label"
    expect_value(measure(student, metric, arguments), metric, arguments, hint)
    wrong = {**arguments, "target": np.array([0, 1, 255], dtype)}
    with refused(call_text(metric, wrong), "ignore_index is about the target only"):
        measure(student, metric, wrong)


def test_ignored_label_may_be_a_class(student: Student) -> None:
    """with ignore_index=0, predictions of class 0 still count where the target is another class"""
    arguments = {
        "pred": np.array([0, 0, 1, 1]),
        "target": np.array([0, 1, 1, 0]),
        "num_classes": 2,
        "ignore_index": 0,
    }
    expect_close(
        measure(student, "confusion_matrix", arguments)["value"],
        [[0, 0], [1, 1]],
        call_text("confusion_matrix", arguments),
        "leave out pixels by their target, never by their prediction",
    )
    expect_depends(student, "confusion_matrix")


def test_more_pixels_than_float32_counts(student: Student) -> None:
    """2**24 + 3 pixels, as in a validation set of CamVid at full size, are counted one by one"""
    answer = student.ask("metrics.count_many", pixels=2**24 + 3)
    expect_close(
        answer["counts"],
        [[answer["pixels"]]],
        f"confusion_matrix(pred, target, 1), both uint8 zeros of shape ({answer['pixels']},)",
        "float32 counts to 2**24 = 16777216 and no further: count in int64, or float64, and convert before you sum",
    )
    expect_depends(student, "confusion_matrix")


def test_against_torchmetrics(student: Student) -> None:
    """agrees with torchmetrics on a large label image"""
    generator = np.random.default_rng(7)
    pred, target = generator.integers(0, 11, (2, 2, 60, 80))
    target[generator.random(target.shape) < 0.1] = 255
    arguments = {"pred": pred, "target": target, "num_classes": 11, "ignore_index": 255}
    tensors = torch.from_numpy(pred), torch.from_numpy(target)
    expect_close(
        measure(student, "confusion_matrix", arguments)["value"],
        multiclass_confusion_matrix(*tensors, num_classes=11, ignore_index=255).numpy(),
        "confusion_matrix(two images of 60 x 80, 11 classes, 10 % ignored)",
        "count pixels of all images together",
    )
    expect_close(
        measure(student, "mean_iou", arguments)["value"],
        multiclass_jaccard_index(*tensors, num_classes=11, ignore_index=255).item(),
        "mean_iou(two images of 60 x 80, 11 classes, 10 % ignored)",
        "one confusion matrix over all pixels, not a mean over images",
        tolerance=1e-5,
    )
    expect_depends(student, "confusion_matrix")
    expect_depends(student, "mean_iou")


@pytest.mark.parametrize("metric", METRICS)
def test_benchmark(student: Student, benchmark: BenchmarkFixture, metric: str) -> None:
    """eight label images of CamVid's size are measured, and how long that takes"""
    generator = np.random.default_rng(0)
    pred = generator.integers(0, 11, (8, 360, 480)).astype("uint8")
    target = generator.integers(0, 12, (8, 360, 480)).astype("uint8")
    arguments = {"pred": pred, "target": target, "num_classes": 11, "ignore_index": 11}
    answer = benchmark(measure, student, metric, arguments)
    expect_close(
        answer["value"],
        by_torchmetrics(arguments)[metric],
        f"{metric}(eight images of 360 x 480, 11 classes, ignore_index=11)",
        "count all pixels, in int64",
        tolerance=TOLERANCES[metric],
    )
    expect_depends(student, metric)


def by_torchmetrics(arguments: Spec) -> dict[str, np.ndarray]:
    """All metrics of many pixels, of which every class is present, from the confusion matrix of torchmetrics."""
    pred, target = (torch.from_numpy(arguments[side]).long() for side in ("pred", "target"))
    classes, ignored = arguments["num_classes"], arguments["ignore_index"]
    matrix = multiclass_confusion_matrix(pred, target, num_classes=classes, ignore_index=ignored).numpy()
    diagonal = np.diag(matrix)
    iou = diagonal / (matrix.sum(0) + matrix.sum(1) - diagonal)
    return {
        "confusion_matrix": matrix,
        "pixel_accuracy": diagonal.sum() / matrix.sum(),
        "class_iou": iou,
        "mean_iou": iou.mean(),
    }
