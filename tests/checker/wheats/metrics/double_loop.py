"""Two nested loops over the classes, each cell counted with a mask."""
import torch


def _prepare(pred, target, ignore_index):
    if pred.shape != target.shape:
        raise ValueError("shape mismatch: %s vs %s" % (pred.shape, target.shape))
    pred = pred.to(torch.int64)
    target = target.to(torch.int64)
    counted = torch.ones_like(target, dtype=torch.bool)
    if ignore_index is not None:
        counted = target != ignore_index
    return pred, target, counted


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    pred, target, counted = _prepare(pred, target, ignore_index)
    bad = (target < 0) | (target >= num_classes) | (pred < 0) | (pred >= num_classes)
    if torch.any(bad & counted):
        raise ValueError("label out of range")

    matrix = torch.zeros((num_classes, num_classes), dtype=torch.int64)
    for t in range(num_classes):
        for p in range(num_classes):
            matrix[t, p] = ((target == t) & (pred == p) & counted).sum()
    return matrix


def pixel_accuracy(pred, target, *, ignore_index=None):
    pred, target, counted = _prepare(pred, target, ignore_index)
    total = int(counted.sum())
    correct = int(((pred == target) & counted).sum())
    if total == 0:
        return float("nan")
    return correct / total


def class_iou(pred, target, num_classes, *, ignore_index=None):
    matrix = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index)
    ious = []
    for c in range(num_classes):
        inter = int(matrix[c, c])
        union = int(matrix[c, :].sum()) + int(matrix[:, c].sum()) - inter
        ious.append(inter / union if union > 0 else float("nan"))
    return torch.tensor(ious, dtype=torch.float64)


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    total, present = 0.0, 0
    for iou in class_iou(pred, target, num_classes, ignore_index=ignore_index).tolist():
        if iou == iou:
            total += iou
            present += 1
    return total / present if present else float("nan")
