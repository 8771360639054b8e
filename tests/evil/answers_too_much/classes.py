"""Answers with more than anybody wants to read."""

import torch


def reduce_classes(labels, mapping, *, ignore_index=255):
    return torch.zeros(600 * 2**20, dtype=torch.uint8)
