"""Probes of classes.py."""

from collections.abc import Mapping
from types import MappingProxyType

import torch

from grading.protocol.wire import Plain
from grading.worker.probes.labels import tensor
from grading.worker.probes.nets import array
from grading.worker.student import attribute, call


def reduce(
    module: object,
    *,
    labels: Plain,
    mapping: Plain,
    ignore_index: int | None = None,
    layout: str = "contiguous",
    read_only: bool = False,
) -> Plain:
    """Reduce the classes of one label tensor.

    Args:
        labels: an integer array.
        mapping: a list of pairs of an old and a new class.
        ignore_index: None for the default.
        layout: see `grading.worker.probes.labels.tensor`.
        read_only: whether the student gets a mapping that is not a dict and refuses writes.

    Returns:
        `dtype` and `labels` of the result, and `input` and `mapping` as they are after the call.
    """
    label_tensor = tensor(labels, layout)
    rules = dict(mapping)
    student_mapping: Mapping[int, int] = MappingProxyType(rules) if read_only else rules
    keywords = {} if ignore_index is None else {"ignore_index": ignore_index}
    reduced = call(
        attribute(module, "reduce_classes"),
        label_tensor,
        student_mapping,
        **keywords,
        gives=torch.Tensor,
    )
    return {
        "dtype": str(reduced.dtype).removeprefix("torch."),
        "labels": array(reduced.long()),
        "input": array(label_tensor),
        "mapping": [list(rule) for rule in rules.items()],
    }
