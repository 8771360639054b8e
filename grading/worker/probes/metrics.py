"""Probes of metrics.py."""

import time
from operator import itemgetter

import torch

from grading.protocol.wire import Plain
from grading.worker.probes.labels import tensor
from grading.worker.probes.nets import array
from grading.worker.student import attribute, call

_GIVES = {
    "confusion_matrix": torch.Tensor,
    "class_iou": torch.Tensor,
    "pixel_accuracy": float,
    "mean_iou": float,
}


def measure(
    module: object,
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
    """Compute one metric.

    Args:
        metric: the name of the student's function.
        pred, target: integer arrays.
        num_classes: None for `pixel_accuracy`, which takes none.
        ignore_index: None for the default.
        pred_layout, target_layout: see `grading.worker.probes.labels.tensor`.
        then_exchanged: whether it is computed once more, with prediction and target exchanged, before the result is
            read.

    Returns:
        `dtype` (None for a float) and `value` of the result, and `pred` and `target` as they are after the calls.
    """
    tensors = tensor(pred, pred_layout), tensor(target, target_layout)
    classes = [] if num_classes is None else [num_classes]
    keywords = {} if ignore_index is None else {"ignore_index": ignore_index}
    result = call(attribute(module, metric), *tensors, *classes, **keywords, gives=_GIVES[metric])
    if then_exchanged:
        call(attribute(module, metric), *tensors[::-1], *classes, **keywords, gives=_GIVES[metric])
    is_tensor = isinstance(result, torch.Tensor)
    return {
        "dtype": str(result.dtype).removeprefix("torch.") if is_tensor else None,
        "value": array(result) if is_tensor else float(result),
        "pred": array(tensors[0]),
        "target": array(tensors[1]),
    }


SAMPLE = 2**16  # pixels
MOST_SECONDS = 2.5  # of processor time: a probe has 30 s on a machine that may be busy


def count_many(module: object, *, pixels: int) -> Plain:
    """Count many pixels of one class, or a sample of them if all would take too long.

    A loop over pixels in Python is right but would take minutes, and a sort of them would take gigabytes. Code that is
    so slow is asked about the sample only: a loop is also unlikely to count in float32.

    Returns:
        How many pixels were counted, and their confusion matrix.
    """
    seconds, counts = min((_counted(module, SAMPLE) for _ in range(3)), key=itemgetter(0))
    if seconds * pixels / SAMPLE > MOST_SECONDS:
        return {"pixels": SAMPLE, "counts": array(counts)}
    return {"pixels": pixels, "counts": array(_counted(module, pixels)[1])}


def _counted(module: object, pixels: int) -> tuple[float, torch.Tensor]:
    """The processor time in seconds that the confusion matrix of so many pixels of one class takes, and the matrix."""
    labels = torch.zeros(pixels, dtype=torch.uint8)
    start = time.process_time()
    counts = call(attribute(module, "confusion_matrix"), labels, labels.clone(), 1, gives=torch.Tensor)
    return time.process_time() - start, counts
