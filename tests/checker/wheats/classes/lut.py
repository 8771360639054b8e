"""A 256-entry look-up table for images; for int64, a table over the labels that occur."""
from collections.abc import Mapping

import torch
from torch import Tensor


def reduce_classes(labels: Tensor, mapping: Mapping[int, int], *, ignore_index: int = 255) -> Tensor:
    if labels.dtype == torch.uint8:
        table = torch.full((256,), ignore_index, dtype=torch.int64)
        for old, new in mapping.items():
            if 0 <= old < 256:
                table[old] = new
        table = table.to(labels.device)
        return table[labels.long()].to(labels.dtype)

    values, where = torch.unique(labels, return_inverse=True)
    table = torch.tensor([mapping.get(v, ignore_index) for v in values.tolist()], dtype=torch.int64,
                         device=labels.device)
    return table[where]
