"""Label tensors from plain arrays, in memory layouts that a view would have."""

import numpy as np
import torch
from torch import Tensor

from grading.protocol.wire import Plain


def tensor(labels: Plain, layout: str) -> Tensor:
    """A tensor of the same values.

    Args:
        labels: an array.
        layout: `"contiguous"`, `"transposed"` (axes stored in reverse order) or `"strided"` (every second element
            of a larger storage).
    """
    match layout:
        case "contiguous":
            return torch.from_numpy(labels.copy())
        case "transposed":
            return torch.from_numpy(np.copy(labels.T, order="C")).permute(tuple(reversed(range(labels.ndim))))
        case "strided":
            return torch.from_numpy(np.stack([labels, np.zeros_like(labels)], axis=-1))[..., 0]
        case _:
            raise ValueError(f"no such layout: {layout}")
