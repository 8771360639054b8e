"""Answers the same whatever is asked, which is right now and then."""

import torch


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    return torch.zeros(num_classes, num_classes, dtype=torch.int64)


def pixel_accuracy(pred, target, *, ignore_index=None):
    return 0.5


def class_iou(pred, target, num_classes, *, ignore_index=None):
    return torch.full((num_classes,), 0.5, dtype=torch.float64)


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    return 0.5
