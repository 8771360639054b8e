"""Marks labels without a rule by -1, which is no class label, and fills them at the end."""
import torch


def reduce_classes(labels, mapping, *, ignore_index=255):
    new_labels = torch.full(labels.shape, -1, dtype=torch.int64)
    for key in mapping:
        new_labels[labels == key] = mapping[key]
    new_labels[new_labels == -1] = ignore_index
    return new_labels.to(labels.dtype)
