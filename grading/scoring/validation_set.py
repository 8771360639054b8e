"""What the answers of an epoch are scored against."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grading.data.arrays import Images
from grading.scoring.blinding import Blinding

Metrics = Callable[[NDArray[np.int64]], dict[str, float]]


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """Pictures that some epochs of a training are measured on, one epoch after the other.

    Attributes:
        images: in their own order.
        labels: what the answers are scored against; IGNORED if nothing is.
        blinding: of what the worker gets.
        epochs: how many.
        metrics: from counts, see `grading.scoring.metrics.counted`, to metrics by name.
    """

    images: Images | NDArray[np.uint8]
    labels: NDArray[np.uint8]
    blinding: Blinding
    epochs: int
    metrics: Metrics
