"""torch.unique over the columns, with counts."""
import math

import torch


def _select(pred, target, ignore_index):
    if not pred.shape == target.shape:
        raise ValueError("different shapes")
    pred = pred.reshape(-1).long()
    target = target.reshape(-1).long()
    if ignore_index is None:
        return pred, target
    order = torch.where(target != ignore_index)[0]
    return pred[order], target[order]


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    pred, target = _select(pred, target, ignore_index)
    matrix = torch.zeros(num_classes, num_classes).long()
    if len(target) == 0:
        return matrix
    pairs, counts = torch.unique(torch.stack([target, pred], dim=1), dim=0, return_counts=True)
    if pairs.min() < 0 or pairs.max() >= num_classes:
        raise ValueError("labels outside [0, num_classes)")
    matrix[pairs[:, 0], pairs[:, 1]] = counts
    return matrix


def pixel_accuracy(pred, target, *, ignore_index=None):
    pred, target = _select(pred, target, ignore_index)
    return math.nan if len(target) == 0 else int((pred == target).sum()) / len(target)


def class_iou(pred, target, num_classes, *, ignore_index=None):
    matrix = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index)
    true_positive = matrix.diag()
    false_positive = matrix.sum(0) - true_positive
    false_negative = matrix.sum(1) - true_positive
    return true_positive.double() / (true_positive + false_positive + false_negative)


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    iou = class_iou(pred, target, num_classes, ignore_index=ignore_index)
    return float(iou.nanmean())
