"""Metrics of semantic segmentation, all from one confusion matrix (Q2-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64, Integer


def confusion_matrix(
    pred: Integer[Tensor, "*shape"],
    target: Integer[Tensor, "*shape"],
    num_classes: int,
    *,
    ignore_index: int | None = None,
) -> Int64[Tensor, "classes classes"]:
    """Count the pixels of each pair of target class and predicted class (Q2-1).

    Args:
        pred: predicted labels in [0, num_classes), uint8 or int64, any shape (0-d and empty too), any memory layout
            (a transposed view); left untouched.
        target: true labels in [0, num_classes) or `ignore_index`, of the same shape, any memory layout; left untouched.
            Its dtype is uint8 or int64, not necessarily that of `pred`.
        num_classes: number of classes C.
        ignore_index: pixels whose *target* is this label do not count at all, whatever number is predicted there; as a
            prediction it counts like any other. It is a class, or another number that the target's dtype holds, such
            as 255, or -100 in int64. None: every pixel counts.

    Returns:
        A new tensor, int64 (C, C): rows are targets, columns are predictions. Counts are exact, also beyond
            2**24 pixels, which is as far as float32 counts.

    Raises:
        ValueError: the shapes differ, or a label of a pixel that counts is outside [0, C).
    """
    raise NotImplementedError("Q2-1: confusion_matrix")


def pixel_accuracy(
    pred: Integer[Tensor, "*shape"], target: Integer[Tensor, "*shape"], *, ignore_index: int | None = None
) -> float:
    """Share of the pixels that are predicted right (Q2-1).

    Args:
        pred: predicted labels from 0 to 255, uint8 or int64, any shape (0-d and empty too), any memory layout (a
            transposed view); left untouched.
        target: true labels from 0 to 255 or `ignore_index`, of the same shape, any memory layout; left untouched. Its
            dtype is uint8 or int64, not necessarily that of `pred`.
        ignore_index: pixels whose *target* is this label do not count at all, whatever number is predicted there; as a
            prediction it counts like any other. It is a class, or another number that the target's dtype holds, such
            as 255, or -100 in int64. None: every pixel counts.

    Returns:
        Accuracy in [0, 1], right to 1e-6; NaN if no pixel counts.

    Raises:
        ValueError: the shapes differ.
    """
    raise NotImplementedError("Q2-1: pixel_accuracy")


def class_iou(
    pred: Integer[Tensor, "*shape"],
    target: Integer[Tensor, "*shape"],
    num_classes: int,
    *,
    ignore_index: int | None = None,
) -> Float64[Tensor, " classes"]:
    """Intersection over union of every class: TP / (TP + FP + FN) (Q2-1).

    Args:
        pred: predicted labels in [0, num_classes), uint8 or int64, any shape (0-d and empty too), any memory layout
            (a transposed view); left untouched.
        target: true labels in [0, num_classes) or `ignore_index`, of the same shape, any memory layout; left untouched.
            Its dtype is uint8 or int64, not necessarily that of `pred`.
        num_classes: number of classes C.
        ignore_index: pixels whose *target* is this label do not count at all, whatever number is predicted there; as a
            prediction it counts like any other. It is a class, or another number that the target's dtype holds, such
            as 255, or -100 in int64. None: every pixel counts.

    Returns:
        A new tensor, float64 (C,), values in [0, 1], right to 1e-6; NaN if the class is in neither the target nor
            the prediction of the pixels that count.

    Raises:
        ValueError: the shapes differ, or a label of a pixel that counts is outside [0, C).
    """
    raise NotImplementedError("Q2-1: class_iou")


def mean_iou(
    pred: Integer[Tensor, "*shape"],
    target: Integer[Tensor, "*shape"],
    num_classes: int,
    *,
    ignore_index: int | None = None,
) -> float:
    """Mean of the IoU over the classes that are present in the target or the prediction (Q2-1).

    Args:
        pred: predicted labels in [0, num_classes), uint8 or int64, any shape (0-d and empty too), any memory layout
            (a transposed view); left untouched.
        target: true labels in [0, num_classes) or `ignore_index`, of the same shape, any memory layout; left untouched.
            Its dtype is uint8 or int64, not necessarily that of `pred`.
        num_classes: number of classes C.
        ignore_index: pixels whose *target* is this label do not count at all, whatever number is predicted there; as a
            prediction it counts like any other. It is a class, or another number that the target's dtype holds, such
            as 255, or -100 in int64. None: every pixel counts.

    Returns:
        Mean IoU in [0, 1], right to 1e-6; NaN if no pixel counts.

    Raises:
        ValueError: the shapes differ, or a label of a pixel that counts is outside [0, C).
    """
    raise NotImplementedError("Q2-1: mean_iou")
