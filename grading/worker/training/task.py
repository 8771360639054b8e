"""What the training loop needs of a task."""

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor


class TrainingTask(Protocol):
    """Batches on the device of the training, and their loss.

    Attributes:
        sides: the sides of an image's answer: `()` for one class, `(crop, crop)` for a class for each pixel.
    """

    sides: tuple[int, ...]

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and targets of the next epoch, in a new random order."""

    def validation_batches(self, part: int) -> Iterator[Tensor]:
        """The validation images of one set, in their order."""

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a batch."""

    def close(self) -> None:
        """End what works for the training beside it."""
