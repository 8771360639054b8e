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
    """Reduce the classes of one label tensor; `mapping` is a list of pairs, `ignore_index` None for the default.

    Args:
        read_only: the student gets a mapping that is no dict and refuses writes.
    """
    before = tensor(labels, layout)
    rules = dict(mapping)
    given: Mapping[int, int] = MappingProxyType(rules) if read_only else rules
    keywords = {} if ignore_index is None else {"ignore_index": ignore_index}
    reduced = call(
        attribute(module, "reduce_classes"),
        before,
        given,
        **keywords,
        gives=torch.Tensor,
    )
    return {
        "dtype": str(reduced.dtype).removeprefix("torch."),
        "labels": array(reduced.long()),
        "input": array(before),
        "mapping": [list(rule) for rule in rules.items()],
    }
