"""Pure Python: a Counter of (target, prediction) pairs."""
from collections import Counter
from statistics import fmean

import torch


def _pairs(pred, target, ignore_index):
    if pred.shape != target.shape:
        raise ValueError("pred and target are not of one shape")
    return [(t, p) for t, p in zip(target.flatten().tolist(), pred.flatten().tolist())
            if ignore_index is None or t != ignore_index]


def _count(pred, target, num_classes, ignore_index):
    counter = Counter(_pairs(pred, target, ignore_index))
    for t, p in counter:
        if t not in range(num_classes) or p not in range(num_classes):
            raise ValueError(f"label outside [0, {num_classes}): target {t}, prediction {p}")
    return counter


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    counter = _count(pred, target, num_classes, ignore_index)
    return torch.tensor([[counter[t, p] for p in range(num_classes)] for t in range(num_classes)], dtype=torch.int64)


def pixel_accuracy(pred, target, *, ignore_index=None):
    pairs = _pairs(pred, target, ignore_index)
    if not pairs:
        return float("nan")
    return sum(t == p for t, p in pairs) / len(pairs)


def class_iou(pred, target, num_classes, *, ignore_index=None):
    counter = _count(pred, target, num_classes, ignore_index)
    result = torch.full((num_classes,), float("nan"), dtype=torch.double)
    for c in range(num_classes):
        either = sum(n for pair, n in counter.items() if c in pair)
        if either:
            result[c] = counter[c, c] / either
    return result


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    ious = class_iou(pred, target, num_classes, ignore_index=ignore_index)
    present = [iou for iou in ious.tolist() if iou == iou]
    return fmean(present) if present else float("nan")
