"""Metrics of semantic segmentation, all from one confusion matrix (Q2-1)."""

from torch import Tensor


def confusion_matrix(pred: Tensor, target: Tensor, num_classes: int, *, ignore_index: int | None = None) -> Tensor:
    """Count the pixels of each pair of target class and predicted class (Q2-1).

    Args:
        pred: predicted labels in [0, num_classes), uint8 or int64, any shape; left untouched.
        target: true labels in [0, num_classes) or `ignore_index`, uint8 or int64, same shape; left untouched.
        num_classes: number of classes C.
        ignore_index: pixels whose *target* is this label do not count at all, whatever is predicted there.

    Returns:
        int64 (C, C): rows are targets, columns are predictions.

    Raises:
        ValueError: the shapes differ, or a label of a pixel that counts is outside [0, C).
    """
    raise NotImplementedError("Q2-1: confusion_matrix")


def pixel_accuracy(pred: Tensor, target: Tensor, *, ignore_index: int | None = None) -> float:
    """Share of the pixels that are predicted right (Q2-1).

    Args:
        pred: predicted labels, uint8 or int64, any shape; left untouched.
        target: true labels, uint8 or int64, same shape; left untouched.
        ignore_index: pixels whose *target* is this label do not count at all.

    Returns:
        Accuracy in [0, 1]; NaN where no pixel counts.

    Raises:
        ValueError: the shapes differ.
    """
    raise NotImplementedError("Q2-1: pixel_accuracy")


def class_iou(pred: Tensor, target: Tensor, num_classes: int, *, ignore_index: int | None = None) -> Tensor:
    """Intersection over union of every class: TP / (TP + FP + FN) (Q2-1).

    Args:
        pred: predicted labels in [0, num_classes), uint8 or int64, any shape; left untouched.
        target: true labels in [0, num_classes) or `ignore_index`, uint8 or int64, same shape; left untouched.
        num_classes: number of classes C.
        ignore_index: pixels whose *target* is this label do not count at all.

    Returns:
        float64 (C,), values in [0, 1]; NaN where the class is in neither the target nor the prediction.

    Raises:
        ValueError: the shapes differ, or a label of a pixel that counts is outside [0, C).
    """
    raise NotImplementedError("Q2-1: class_iou")


def mean_iou(pred: Tensor, target: Tensor, num_classes: int, *, ignore_index: int | None = None) -> float:
    """Mean of the IoU over the classes that are present in the target or the prediction (Q2-1).

    Args:
        pred: predicted labels in [0, num_classes), uint8 or int64, any shape; left untouched.
        target: true labels in [0, num_classes) or `ignore_index`, uint8 or int64, same shape; left untouched.
        num_classes: number of classes C.
        ignore_index: pixels whose *target* is this label do not count at all.

    Returns:
        Mean IoU in [0, 1]; NaN where no pixel counts.

    Raises:
        ValueError: the shapes differ, or a label of a pixel that counts is outside [0, C).
    """
    raise NotImplementedError("Q2-1: mean_iou")
