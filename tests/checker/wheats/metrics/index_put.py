"""index_put_ with accumulate; everything else is read off the matrix."""
import math

import torch


def _check_shapes(pred, target):
    if pred.dim() != target.dim() or any(a != b for a, b in zip(pred.shape, target.shape)):
        raise ValueError("pred and target need equal shapes")


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    _check_shapes(pred, target)
    rows = target.flatten().long()
    cols = pred.flatten().long()
    if ignore_index is not None:
        use = rows != ignore_index
        rows, cols = rows[use], cols[use]
    if not all(0 <= label < num_classes for label in torch.unique(rows).tolist()):
        raise ValueError("target label out of range")
    if not all(0 <= label < num_classes for label in torch.unique(cols).tolist()):
        raise ValueError("predicted label out of range")
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.long, device=rows.device)
    matrix.index_put_((rows, cols), torch.ones_like(rows), accumulate=True)
    return matrix


def pixel_accuracy(pred, target, *, ignore_index=None):
    _check_shapes(pred, target)
    hit = pred.long() == target.long()
    if ignore_index is not None:
        hit = hit[target.long() != ignore_index]
    count = hit.numel()
    return hit.sum().item() / count if count > 0 else math.nan


def class_iou(pred, target, num_classes, *, ignore_index=None):
    matrix = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index)
    tp = torch.diag(matrix)
    in_target = matrix.sum(dim=1)
    in_pred = matrix.sum(dim=0)
    union = in_target + in_pred - tp
    iou = torch.full((num_classes,), math.nan, dtype=torch.float64, device=matrix.device)
    seen = union > 0
    iou[seen] = tp[seen].to(torch.float64) / union[seen].to(torch.float64)
    return iou


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    values = [v for v in class_iou(pred, target, num_classes, ignore_index=ignore_index).tolist() if not math.isnan(v)]
    return math.fsum(values) / len(values) if values else math.nan
