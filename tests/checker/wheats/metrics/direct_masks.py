"""No confusion matrix behind the IoU: boolean masks, class by class."""
import torch


def _same_shape_int64(pred, target):
    if pred.shape != target.shape:
        raise ValueError("pred and target must have the same shape")
    return pred.to(torch.int64), target.to(torch.int64)


def _counted(target, ignore_index):
    if ignore_index is None:
        return torch.ones_like(target, dtype=torch.bool)
    return target != ignore_index


def _in_range(labels, num_classes):
    if any(label < 0 or label >= num_classes for label in labels.unique().tolist()):
        raise ValueError("label outside [0, num_classes)")


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    pred, target = _same_shape_int64(pred, target)
    counted = _counted(target, ignore_index)
    pred, target = pred[counted], target[counted]
    _in_range(pred, num_classes)
    _in_range(target, num_classes)
    rows = []
    for label in range(num_classes):
        predicted = pred[target == label]
        rows.append(torch.bincount(predicted, minlength=num_classes))
    return torch.stack(rows)


def pixel_accuracy(pred, target, *, ignore_index=None):
    pred, target = _same_shape_int64(pred, target)
    counted = _counted(target, ignore_index)
    correct = (pred == target) & counted
    n = counted.sum().double()
    return (correct.sum().double() / n).item()  # 0 / 0 is NaN in floating point


def class_iou(pred, target, num_classes, *, ignore_index=None):
    pred, target = _same_shape_int64(pred, target)
    counted = _counted(target, ignore_index)
    _in_range(pred[counted], num_classes)
    _in_range(target[counted], num_classes)
    ious = torch.empty(num_classes, dtype=torch.float64)
    for label in range(num_classes):
        predicted = (pred == label) & counted
        actual = (target == label) & counted
        ious[label] = (predicted & actual).sum().double() / (predicted | actual).sum().double()
    return ious


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    ious = class_iou(pred, target, num_classes, ignore_index=ignore_index)
    return ious[ious.isfinite()].mean().item()
