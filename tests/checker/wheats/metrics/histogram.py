"""torch.histc in float64 with bin edges half way between the codes."""
import torch


class _Pixels:
    def __init__(self, pred, target, ignore_index):
        if pred.shape != target.shape:
            raise ValueError("pred and target must have one shape")
        keep = torch.ones(target.shape, dtype=torch.bool, device=target.device)
        if ignore_index is not None:
            keep = keep & (target.long() != ignore_index)
        self.pred = pred.long()[keep]
        self.target = target.long()[keep]

    def check(self, num_classes):
        for name in ("pred", "target"):
            labels = getattr(self, name)
            if (labels < 0).any() or (labels >= num_classes).any():
                raise ValueError(f"{name}: label out of range")
        return self


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    pixels = _Pixels(pred, target, ignore_index).check(num_classes)
    cells = num_classes * num_classes
    if pixels.target.numel() == 0:
        return torch.zeros(num_classes, num_classes, dtype=torch.int64)
    code = (pixels.target * num_classes + pixels.pred).double()
    counts = torch.histc(code, bins=cells, min=-0.5, max=cells - 0.5)
    return counts.round().long().view(num_classes, num_classes)


def pixel_accuracy(pred, target, *, ignore_index=None):
    pixels = _Pixels(pred, target, ignore_index)
    wrong = (pixels.pred != pixels.target).sum().item()
    count = pixels.target.numel()
    return 1.0 - wrong / count if count else float("nan")


def class_iou(pred, target, num_classes, *, ignore_index=None):
    matrix = confusion_matrix(pred, target, num_classes, ignore_index=ignore_index)
    tp = matrix.diagonal()
    union = matrix.sum(0).add(matrix.sum(1)).sub(tp)
    return tp.to(torch.float64).div(union.to(torch.float64))


def mean_iou(pred, target, num_classes, *, ignore_index=None):
    iou = class_iou(pred, target, num_classes, ignore_index=ignore_index)
    exists = ~torch.isnan(iou)
    return (torch.nan_to_num(iou, nan=0.0).sum() / exists.sum()).item()  # 0 / 0 is NaN
