"""Metrics are computed from predictions and labels."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_jaccard_index

from grading.assignment.assignment import read_assignment
from grading.assignment.tasks import TASKS
from grading.scoring.metrics import (
    IGNORED,
    METRICS,
    UnusablePredictions,
    accuracy_ceiling,
    check_predictions,
    confusion_per_image,
    metrics_of,
    reduced_labels,
)


def score(task: str, predicted: np.ndarray, labels: np.ndarray, num_classes: int) -> dict[str, float]:
    return metrics_of(TASKS[task].metrics, confusion_per_image(predicted, labels, num_classes))


def segmentation(images: list[tuple[list[int], list[int]]]) -> tuple[np.ndarray, np.ndarray]:
    predicted, labels = (np.array(side, dtype="uint8")[:, None] for side in zip(*images, strict=True))
    return predicted, labels


def test_accuracy() -> None:
    predicted, labels = np.array([[0, 1, 1, 0], [0, 1, 0, 0]], "uint8")
    assert score("classification", predicted, labels, 2) == {"accuracy": 0.75}


def test_as_reported_by_hand() -> None:
    # Image 1: target 0 0 1 void, predicted 0 1 1 1: class 0 is 1/2, class 1 is 1/3 (void counts), accuracy 2/4.
    # Image 2: target 0 0 0 0, predicted 0 0 0 0: class 0 is 1, class 1 absent, accuracy 1.
    # Means over images: 3/4 and 1/3.
    predicted, labels = segmentation([([0, 1, 1, 1], [0, 0, 1, IGNORED]), ([0, 0, 0, 0], [0, 0, 0, 0])])
    metrics = score("segmentation", predicted, labels, 2)
    assert metrics["miou_reported"] == pytest.approx((3 / 4 + 1 / 3) / 2)
    assert metrics["accuracy_reported"] == pytest.approx(3 / 4)
    # Standard, over both images and without void: class 0 is 5/6, class 1 is 1/2, accuracy 6/7.
    assert metrics["miou_standard"] == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert metrics["accuracy_standard"] == pytest.approx(6 / 7)


def as_reported_by_definition(predicted: np.ndarray, labels: np.ndarray, num_classes: int) -> tuple[float, float]:
    """The report's metric image by image, written out."""
    ious: list[list[float]] = []
    accuracies = []
    for image, target in zip(predicted, labels, strict=True):
        accuracies.append(np.sum(image == target) / target.size)
        ious.append([])
        for label in range(num_classes):
            union = np.sum((image == label) | (target == label))
            ious[-1].append(np.sum((image == label) & (target == label)) / union if union else np.nan)
    by_class = [
        np.mean([v for v in column if not np.isnan(v)])
        for column in zip(*ious, strict=True)
        if not np.all(np.isnan(column))
    ]
    return float(np.mean(by_class)), float(np.mean(accuracies))


@given(
    seed=st.integers(0, 2**31),
    num_classes=st.integers(1, 11),
    void=st.sampled_from([0.0, 0.2]),
    count=st.integers(1, 4),
)
def test_both_protocols_against_independent_definitions(seed: int, num_classes: int, void: float, count: int) -> None:
    generator = np.random.default_rng(seed)
    predicted, labels = generator.integers(0, num_classes, (2, count, 5, 7)).astype("uint8")
    labels[generator.random(labels.shape) < void] = IGNORED
    labels[0, 0, 0] = 0
    metrics = score("segmentation", predicted, labels, num_classes)
    miou, accuracy = as_reported_by_definition(predicted, labels, num_classes)
    assert metrics["miou_reported"] == pytest.approx(miou)
    assert metrics["accuracy_reported"] == pytest.approx(accuracy)
    if num_classes > 1:
        standard = multiclass_jaccard_index(
            torch.from_numpy(predicted).long(),
            torch.from_numpy(labels).long(),
            num_classes=num_classes,
            ignore_index=IGNORED,
        )
        assert metrics["miou_standard"] == pytest.approx(standard.item(), abs=1e-6)


@given(seed=st.integers(0, 2**31), num_classes=st.integers(2, 6))
def test_accuracy_bounds_mean_iou(seed: int, num_classes: int) -> None:
    """With every class present, a/K <= mIoU <= ((K - 2) + 2a/(2 - a))/K for pixel accuracy a (facts: Q2-3)."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(48) % num_classes).astype("uint8").reshape(1, 6, 8)
    wrong = generator.random(labels.shape) < generator.random()
    predicted = np.where(wrong, generator.integers(0, num_classes, labels.shape), labels)
    metrics = score("segmentation", predicted, labels, num_classes)
    a, miou = metrics["accuracy_standard"], metrics["miou_standard"]
    assert a / num_classes - 1e-12 <= miou <= (num_classes - 2 + 2 * a / (2 - a)) / num_classes + 1e-12


def test_the_published_pair_of_q2_3_violates_the_bound() -> None:
    """Why first_three is a protocol of its own: 0.4751 with 0.3239 is impossible for one confusion matrix."""
    published = read_assignment().configuration("Q2-3-first-three").published
    a = published["accuracy_reported"]["best"]
    assert published["miou_reported"]["best"] > (1 + 2 * a / (2 - a)) / 3


def test_rows_are_targets() -> None:
    counts = confusion_per_image(np.array([[[1, 1, 0]]]), np.array([[[0, IGNORED, 0]]], "uint8"), 2)
    assert counts.tolist() == [[[1, 1], [0, 0], [0, 1]]]


def test_first_three_ceiling() -> None:
    """An oracle for classes 0 to 2 has as its accuracy the share of pixels that have one of them."""
    labels = np.array([[[0, 1, 2, 3]], [[5, 11, 11, 2]]], dtype="uint8")
    mapping = read_assignment().configuration("Q2-3-first-three").mapping
    reduced = reduced_labels(labels, mapping)
    assert accuracy_ceiling(reduced) == pytest.approx((3 / 4 + 1 / 4) / 2)
    oracle = np.where(reduced == IGNORED, 0, reduced)
    metrics = score("segmentation", oracle, reduced, 3)
    assert metrics["accuracy_reported"] == pytest.approx(accuracy_ceiling(reduced))


def test_merged_labels() -> None:
    mapping = read_assignment().configuration("Q2-3-merged").mapping
    assert reduced_labels(np.arange(12, dtype="uint8"), mapping).tolist() == [
        0,
        0,
        2,
        1,
        1,
        0,
        2,
        2,
        2,
        2,
        2,
        IGNORED,
    ]


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (np.zeros(3, "uint8"), "shape"),
        (np.zeros((4, 2), "uint8"), "shape"),
        (np.zeros(4, "float32"), "float32"),
        (np.array([0, 1, 2, 0], "uint8"), "class 2 of 2"),
    ],
)
def test_unusable_predictions(predictions: np.ndarray, message: str) -> None:
    with pytest.raises(UnusablePredictions, match=message):
        check_predictions(predictions, (4,), 2)


def test_every_metric_of_a_task_is_in_the_registry() -> None:
    assert {name for task in TASKS.values() for name in task.metrics} == set(METRICS)
    assert all(set(task.decisive) <= set(task.metrics) for task in TASKS.values())


@pytest.mark.parametrize("name", ["miou", "", "MIOU_STANDARD"])
def test_an_unknown_metric_is_an_error(name: str) -> None:
    with pytest.raises(KeyError):
        metrics_of([name], np.ones((2, 4, 3), dtype=np.int64))
