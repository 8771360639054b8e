"""Probes of classes.py."""

import torch

from grading.probes import attribute, call
from grading.probes.labels import tensor
from grading.probes.nets import array
from grading.workers.wire import Plain


def reduce(
    room: object,
    *,
    labels: Plain,
    mapping: Plain,
    ignore_index: int | None = None,
    layout: str = "contiguous",
) -> Plain:
    """Reduce the classes of one label tensor; `mapping` is a list of pairs, `ignore_index` None for the default."""
    before = tensor(labels, layout)
    keywords = {} if ignore_index is None else {"ignore_index": ignore_index}
    reduced = call(
        attribute(room, "reduce_classes"),
        before,
        dict(mapping),
        **keywords,
        gives=torch.Tensor,
    )
    return {
        "dtype": str(reduced.dtype).removeprefix("torch."),
        "labels": array(reduced.long()),
        "input": array(before),
    }
