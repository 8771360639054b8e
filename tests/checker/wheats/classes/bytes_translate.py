"""A label is a byte: bytes.translate."""
import numpy as np
import torch


def reduce_classes(labels, mapping, *, ignore_index=255):
    table = bytearray([ignore_index]) * 256
    for old, new in mapping.items():
        table[old] = new
    flat = labels.to(torch.uint8).numpy().tobytes().translate(bytes(table))
    array = np.frombuffer(flat, dtype=np.uint8).reshape(tuple(labels.shape)).copy()
    return torch.from_numpy(array).to(labels.dtype)
