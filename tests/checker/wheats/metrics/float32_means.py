"""Counts are int64; shares are computed in float32, which has seven digits, and widened at the end."""
import torch


def _flat(pred, target, ignore_index):
    if pred.shape != target.shape:
        raise ValueError(f"{pred.shape} is not {target.shape}")
    keep = torch.ones(target.shape, dtype=torch.bool)
    if ignore_index is not None:
        keep = target != ignore_index  # on the labels as they come, uint8 too
    return pred[keep], target[keep]


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    pred, target = _flat(pred, target, ignore_index)
    for labels in (pred, target):
        if ((labels.long() < 0) | (labels.long() >= num_classes)).any():
            raise ValueError("a label is out of range")
    pair = target.long() * num_classes + pred
    return torch.bincount(pair, minlength=num_classes**2).view(num_classes, num_classes)


def pixel_accuracy(pred, target, *, ignore_index=None):
    pred, target = _flat(pred, target, ignore_index)
    return (pred == target).float().mean().item()


def class_iou(pred, target, num_classes, *, ignore_index=None):
    matrix = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index)
    tp, union = matrix.diag(), matrix.sum(0) + matrix.sum(1) - matrix.diag()
    return (tp / union).double()  # int64 / int64 is float32


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    return class_iou(pred, target, num_classes, ignore_index=ignore_index).float().nanmean().item()
