"""Metrics of semantic segmentation, all from one confusion matrix (Q2-1)."""

import torch
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
    pred, target = _counted(pred, target, ignore_index)
    for name, labels in (("pred", pred), ("target", target)):
        if labels.numel() and not (int(labels.min()) >= 0 and int(labels.max()) < num_classes):
            raise ValueError(f"{name} has a label outside [0, {num_classes})")
    return torch.bincount(target * num_classes + pred, minlength=num_classes**2).reshape(num_classes, num_classes)


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
    pred, target = _counted(pred, target, ignore_index)
    return (pred == target).double().mean().item()


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
    matrix = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index).double()
    intersection = matrix.diagonal()
    union = matrix.sum(0) + matrix.sum(1) - intersection
    return intersection / union


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
    return class_iou(pred, target, num_classes, ignore_index=ignore_index).nanmean().item()


def _counted(pred: Tensor, target: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor]:
    """The pixels that count, flat and as int64: uint8 would overflow in `target * C + pred`."""
    if pred.shape != target.shape:
        raise ValueError(f"pred {tuple(pred.shape)} and target {tuple(target.shape)} differ in shape")
    pred, target = pred.flatten().long(), target.flatten().long()
    if ignore_index is None:
        return pred, target
    counts = target != ignore_index
    return pred[counts], target[counts]
