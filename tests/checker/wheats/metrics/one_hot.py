"""One-hot vectors and a matrix product."""
import torch
import torch.nn.functional as F


def _valid_pixels(pred, target, ignore_index):
    if tuple(pred.shape) != tuple(target.shape):
        raise ValueError("pred and target must have the same shape")
    p = pred.reshape(-1).to(torch.int64)
    t = target.reshape(-1).to(torch.int64)
    if ignore_index is not None:
        valid = t.ne(ignore_index).nonzero().squeeze(1)
        p, t = p.index_select(0, valid), t.index_select(0, valid)
    return p, t


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    p, t = _valid_pixels(pred, target, ignore_index)
    both = torch.cat([p, t])
    if bool(((both < 0) | (both >= num_classes)).any()):
        raise ValueError("a label is outside the classes")
    rows = torch.zeros(t.numel(), num_classes, dtype=torch.int64).scatter_(1, t.unsqueeze(1), 1)
    columns = F.one_hot(p, num_classes) if p.numel() else torch.zeros(0, num_classes, dtype=torch.int64)
    return rows.T @ columns


def pixel_accuracy(pred, target, *, ignore_index=None):
    p, t = _valid_pixels(pred, target, ignore_index)
    return float((p == t).double().mean())  # the mean of nothing is NaN


def class_iou(pred, target, num_classes, *, ignore_index=None):
    cm = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index).to(torch.float64)
    tp = cm.diag()
    fn = cm.sum(dim=1) - tp
    fp = cm.sum(dim=0) - tp
    denominator = tp + fp + fn
    return torch.where(denominator > 0, tp / denominator.clamp(min=1), torch.full_like(tp, float("nan")))


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    return float(torch.nanmean(class_iou(pred, target, num_classes, ignore_index=ignore_index)))
