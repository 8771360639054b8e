"""A sparse matrix sums its duplicate entries: that is a confusion matrix."""
import torch


def _pairs(pred, target, ignore_index):
    if list(pred.shape) != list(target.shape):
        raise ValueError(f"pred {list(pred.shape)} and target {list(target.shape)} do not match")
    pairs = torch.stack([target.long().reshape(-1), pred.long().reshape(-1)])
    if ignore_index is not None:
        pairs = pairs[:, pairs[0] != ignore_index]
    return pairs


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    pairs = _pairs(pred, target, ignore_index)
    if pairs.numel() > 0:
        low, high = pairs.aminmax()
        if low < 0 or high > num_classes - 1:
            raise ValueError("labels must be in [0, num_classes)")
    ones = torch.ones(pairs.shape[1], dtype=torch.int64)
    return torch.sparse_coo_tensor(pairs, ones, (num_classes, num_classes), check_invariants=False).coalesce().to_dense()


def pixel_accuracy(pred, target, *, ignore_index=None):
    pairs = _pairs(pred, target, ignore_index)
    n = pairs.shape[1]
    return float(torch.count_nonzero(pairs[0] == pairs[1])) / n if n else float("nan")


def class_iou(pred, target, num_classes, *, ignore_index=None):
    matrix = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index).double()
    inter = matrix.diag()
    return inter / (matrix.sum(1) + matrix.sum(0) - inter)


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    return class_iou(pred, target, num_classes, ignore_index=ignore_index).nanmean().item()
