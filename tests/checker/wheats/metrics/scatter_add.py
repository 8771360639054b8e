"""scatter_add_ into a flat int64 vector, in a private helper that also makes the checks."""
import torch
from torch import Tensor

NAN = float("nan")


def _drop_ignored(pred: Tensor, target: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor]:
    if pred.size() != target.size():
        raise ValueError("pred and target have different sizes")
    pred = pred.contiguous().view(-1).long()
    target = target.contiguous().view(-1).long()
    if ignore_index is not None:
        counts = target != ignore_index
        pred = torch.masked_select(pred, counts)
        target = torch.masked_select(target, counts)
    return pred, target


def confusion_matrix(pred: Tensor, target: Tensor, num_classes: int, *, ignore_index: int | None = None) -> Tensor:
    pred, target = _drop_ignored(pred, target, ignore_index)
    if ((target < 0) | (target >= num_classes)).any():
        raise ValueError("target has a label outside [0, num_classes)")
    if ((pred < 0) | (pred >= num_classes)).any():
        raise ValueError("pred has a label outside [0, num_classes)")
    cells = torch.zeros(num_classes ** 2, dtype=torch.int64, device=target.device)
    cells.scatter_add_(0, num_classes * target + pred, torch.ones_like(target))
    return cells.view(num_classes, num_classes)


def pixel_accuracy(pred: Tensor, target: Tensor, *, ignore_index: int | None = None) -> float:
    pred, target = _drop_ignored(pred, target, ignore_index)
    if len(target) == 0:
        return NAN
    return torch.eq(pred, target).to(torch.float64).mean().item()


def class_iou(pred: Tensor, target: Tensor, num_classes: int, *, ignore_index: int | None = None) -> Tensor:
    m = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index)
    overlap = torch.diagonal(m)
    either = m.sum(dim=0) + m.sum(dim=1) - overlap
    ratio = overlap.double() / either.double()
    ratio[either == 0] = NAN
    return ratio


def mean_iou(pred: Tensor, target: Tensor, num_classes: int, *, ignore_index: int | None = None) -> float:
    ratio = class_iou(pred, target, num_classes, ignore_index=ignore_index)
    ok = torch.isfinite(ratio)
    if not ok.any():
        return NAN
    return (ratio[ok].sum() / ok.sum()).item()
