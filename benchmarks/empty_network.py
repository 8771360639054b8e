"""A network that does next to nothing, so that a training with it shows what the harness costs."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from grading.worker.training.task import TrainingTask


class EmptyNetwork(nn.Module):
    """One parameter for each class.

    In eval mode it answers every picture with the same random logits, of the right shape; in train mode with one number
    for each class, so that neither forward nor backward costs anything.

    Args:
        answer: the shape of a picture's logits.
        largest: batch that it predicts.
    """

    answers: Tensor

    def __init__(self, answer: tuple[int, ...], largest: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(answer[0]))
        # Equal for all pictures, and yet as many different numbers as logits are: they are read from memory.
        generator = torch.Generator().manual_seed(0)
        once = torch.randn(1, *answer, generator=generator)
        self.register_buffer("answers", once.repeat(largest, *(1 for _ in answer)))

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            return self.scores.expand(len(images), -1)
        return self.answers[: len(images)]


class WithoutLoss:
    """A task whose loss is the mean of all logits: the loss of a pixel is arithmetic that every training has.

    Attributes:
        sides: as of the task.
    """

    def __init__(self, task: TrainingTask) -> None:
        self._task = task
        self.sides = task.sides

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """As the task makes them."""
        return self._task.batches()

    def validation_batches(self, part: int) -> Iterator[Tensor]:
        """As the task makes them."""
        return self._task.validation_batches(part)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean."""
        return logits.mean()

    def close(self) -> None:
        """End what works beside the task."""
        self._task.close()
