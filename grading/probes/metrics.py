"""Probes of metrics.py."""

import torch

from grading.probes import asks, attribute, call
from grading.probes.labels import tensor
from grading.probes.nets import array
from grading.workers.wire import Plain

_GIVES = {
    "confusion_matrix": torch.Tensor,
    "class_iou": torch.Tensor,
    "pixel_accuracy": float,
    "mean_iou": float,
}


@asks(chosen=lambda data: [data["metric"]])
def measure(
    room: object,
    *,
    metric: str,
    pred: Plain,
    target: Plain,
    num_classes: int | None = None,
    ignore_index: int | None = None,
    pred_layout: str = "contiguous",
    target_layout: str = "contiguous",
    then_exchanged: bool = False,
) -> Plain:
    """Compute one metric; `num_classes` is None for `pixel_accuracy`, which takes none.

    Args:
        then_exchanged: compute it once more, with prediction and target exchanged, before the result is read.
    """
    before = tensor(pred, pred_layout), tensor(target, target_layout)
    classes = [] if num_classes is None else [num_classes]
    keywords = {} if ignore_index is None else {"ignore_index": ignore_index}
    result = call(attribute(room, metric), *before, *classes, **keywords, gives=_GIVES[metric])
    if then_exchanged:
        call(attribute(room, metric), *before[::-1], *classes, **keywords, gives=_GIVES[metric])
    is_tensor = isinstance(result, torch.Tensor)
    return {
        "dtype": str(result.dtype).removeprefix("torch.") if is_tensor else None,
        "value": array(result) if is_tensor else float(result),
        "pred": array(before[0]),
        "target": array(before[1]),
    }
