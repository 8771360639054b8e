"""The least that a training can take: the network and its optimizer, on pictures that lie on the device."""

import torch
from torch import Tensor

from benchmarks.training import Training
from grading.worker.training.loop import autocast
from grading.worker.training.task import TrainingTask

RESIDENT = 32  # different batches: enough that no cache holds them


class Floor:
    """Forward, backward and step, as often as an epoch of the harness has them, and nothing else.

    Args:
        task: whose batches are kept; it takes one of its epochs.
    """

    def __init__(self, training: Training, task: TrainingTask) -> None:
        self._device = training.device
        self._loss = task.loss
        self._model, self._optimizer = training.network()
        self._batches: list[tuple[Tensor, Tensor]] = []
        for number, (images, targets) in enumerate(task.batches()):
            batch = images, targets.clone()  # a task may overwrite its targets
            self._batches.append(batch if number < RESIDENT else self._batches[number % RESIDENT])
            last = batch
        self._batches[-1] = last  # it may be smaller
        self._validation = list(task.validation_batches(0))

    def train(self) -> None:
        """One epoch."""
        self._model.train()
        for images, targets in self._batches:
            with autocast(self._device):
                loss = self._loss(self._model(images).float(), targets)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()

    @torch.no_grad()
    def predict(self) -> None:
        """The logits of the validation pictures."""
        self._model.eval()
        for images in self._validation:
            self._model(images)
