"""One pixel after another, into the cells of a tensor: slow, and right."""
import math

import torch


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    if pred.shape != target.shape:
        raise ValueError("the shapes differ")
    matrix = torch.zeros((num_classes, num_classes), dtype=torch.int64)
    for t, p in zip(target.flatten().tolist(), pred.flatten().tolist()):
        if ignore_index is not None and t == ignore_index:
            continue
        if not (0 <= t < num_classes and 0 <= p < num_classes):
            raise ValueError(f"target {t}, prediction {p}: outside [0, {num_classes})")
        matrix[t, p] += 1
    return matrix


def pixel_accuracy(pred, target, *, ignore_index=None):
    if pred.shape != target.shape:
        raise ValueError("the shapes differ")
    right = total = 0
    for t, p in zip(target.flatten().tolist(), pred.flatten().tolist()):
        if ignore_index is None or t != ignore_index:
            total += 1
            right += t == p
    return right / total if total else math.nan


def class_iou(pred, target, num_classes, *, ignore_index=None):
    matrix = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index)
    iou = []
    for c in range(num_classes):
        union = matrix[c].sum().item() + matrix[:, c].sum().item() - matrix[c, c].item()
        iou.append(matrix[c, c].item() / union if union else math.nan)
    return torch.tensor(iou, dtype=torch.float64)


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    iou = [value for value in class_iou(pred, target, num_classes, ignore_index=ignore_index).tolist() if value == value]
    return sum(iou) / len(iou) if iou else math.nan
