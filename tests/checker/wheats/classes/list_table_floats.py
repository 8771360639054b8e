"""Every place of a table, written over the image by torch.where; the labels are compared as floats."""
import torch


def reduce_classes(labels, mapping, *, ignore_index=255):
    image = labels.float()
    result = torch.ones_like(image) * ignore_index
    for label in range(256):
        if label in mapping.keys():
            result = torch.where(image == label, torch.full_like(image, mapping[label]), result)
    return result.type(labels.dtype)
