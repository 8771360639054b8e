"""The classic: one bincount of target * C + pred."""
import math

import torch
from torch import Tensor


def _counted(pred: Tensor, target: Tensor, ignore_index):
    if pred.shape != target.shape:
        raise ValueError(f"shapes differ: {tuple(pred.shape)} and {tuple(target.shape)}")
    pred, target = pred.long(), target.long()
    if ignore_index is None:
        return pred.flatten(), target.flatten()
    keep = target != ignore_index
    return pred[keep], target[keep]


def confusion_matrix(pred: Tensor, target: Tensor, num_classes: int, *, ignore_index: int | None = None) -> Tensor:
    pred, target = _counted(pred, target, ignore_index)
    for labels in (pred, target):
        if labels.numel() and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("label outside [0, num_classes)")
    counts = torch.bincount(target * num_classes + pred, minlength=num_classes * num_classes)
    return counts.reshape(num_classes, num_classes)


def pixel_accuracy(pred: Tensor, target: Tensor, *, ignore_index: int | None = None) -> float:
    pred, target = _counted(pred, target, ignore_index)
    if target.numel() == 0:
        return math.nan
    return (pred == target).sum().item() / target.numel()


def class_iou(pred: Tensor, target: Tensor, num_classes: int, *, ignore_index: int | None = None) -> Tensor:
    matrix = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index)
    intersection = matrix.diagonal().double()
    union = matrix.sum(0) + matrix.sum(1) - matrix.diagonal()
    return intersection / union.double()


def mean_iou(pred: Tensor, target: Tensor, num_classes: int, *, ignore_index: int | None = None) -> float:
    iou = class_iou(pred, target, num_classes, ignore_index=ignore_index)
    present = iou[~iou.isnan()]
    if present.numel() == 0:
        return math.nan
    return present.mean().item()
