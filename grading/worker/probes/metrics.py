"""Probes of metrics.py."""

import time

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
    """Compute one metric; `num_classes` is None for `pixel_accuracy`, which takes none.

    Args:
        then_exchanged: compute it once more, with prediction and target exchanged, before the result is read.
    """
    before = tensor(pred, pred_layout), tensor(target, target_layout)
    classes = [] if num_classes is None else [num_classes]
    keywords = {} if ignore_index is None else {"ignore_index": ignore_index}
    result = call(attribute(module, metric), *before, *classes, **keywords, gives=_GIVES[metric])
    if then_exchanged:
        call(attribute(module, metric), *before[::-1], *classes, **keywords, gives=_GIVES[metric])
    is_tensor = isinstance(result, torch.Tensor)
    return {
        "dtype": str(result.dtype).removeprefix("torch.") if is_tensor else None,
        "value": array(result) if is_tensor else float(result),
        "pred": array(before[0]),
        "target": array(before[1]),
    }


SAMPLE = 2**16  # pixels
AT_MOST_S = 2.5  # of processor time: a probe has 30 s on a machine that may be busy


def count_many(module: object, *, pixels: int) -> Plain:
    """Count many pixels of one class, or a sample of them where all would take a while.

    A loop over pixels in Python is right, but would take minutes, and a sort of them gigabytes: whoever counts at such
    a pace is asked about the sample. A loop is also no likely place for counts in float32.

    Returns:
        How many pixels were counted, and their confusion matrix.
    """
    seconds, counts = min((_counted(module, SAMPLE) for _ in range(3)), key=lambda timed: timed[0])
    if seconds * pixels / SAMPLE > AT_MOST_S:
        return {"pixels": SAMPLE, "counts": array(counts)}
    return {"pixels": pixels, "counts": array(_counted(module, pixels)[1])}


def _counted(module: object, pixels: int) -> tuple[float, torch.Tensor]:
    """The confusion matrix of that many pixels of one class, and the processor time that it took."""
    labels = torch.zeros(pixels, dtype=torch.uint8)
    begun = time.process_time()
    counts = call(attribute(module, "confusion_matrix"), labels, labels.clone(), 1, gives=torch.Tensor)
    return time.process_time() - begun, counts
