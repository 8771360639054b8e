"""Takes 8 GiB of memory, in one piece."""

import torch


def reduce_classes(labels, mapping, *, ignore_index=255):
    return torch.ones(8 * 2**30, dtype=torch.uint8)
