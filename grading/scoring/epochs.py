"""Turns the answers of a training into its history: every answer is checked before it counts."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from grading.assignment.training_record import tail_length
from grading.protocol.wire import Plain
from grading.scoring.metrics import (
    Array,
    ImageCounts,
    UnusablePredictions,
    check_predictions,
    confusion_per_image,
    predicts_one_class,
)
from grading.scoring.network_checks import check_batch_independence
from grading.scoring.validation_set import ValidationSet


class ScoredTraining:
    """Metrics of one training, from the answers that come in epoch by epoch.

    Args:
        sets: what its epochs are measured on, in their order.
    """

    def __init__(self, sets: Sequence[ValidationSet], num_classes: int) -> None:
        self.history: list[dict[str, float]] = []
        self._sets = [validation for validation in sets for _ in range(validation.epochs)]  # by epoch
        self._num_classes = num_classes
        self._tail: dict[int, list[Array]] = {}  # by set

    @property
    def is_full(self) -> bool:
        """Whether every epoch has been scored."""
        return len(self.history) == len(self._sets)

    def add(self, event: Plain, device: str) -> dict[str, float]:
        """Score the next epoch.

        Raises:
            UnusablePredictions: it cannot be scored.
            NetworkCheckFailed: the logits of an image depend on its batch.
        """
        loss, predictions, dependence = checked_epoch(event)
        validation = self._sets[len(self.history)]
        shape = (len(validation.blinding.order), *validation.labels.shape[1:])
        check_predictions(predictions, shape, self._num_classes)
        check_batch_independence(dependence, device)
        predicted = validation.blinding.in_true_order(predictions)
        counted = confusion_per_image(predicted, validation.labels, self._num_classes)
        counts = validation.blinding.of_true_classes(counted)  # a few numbers, in place of every pixel
        self.history.append({"epoch": len(self.history) + 1, "loss": loss, **validation.metrics(counts)})
        if len(self.history) > len(self._sets) - tail_length(len(self._sets)):
            self._tail.setdefault(id(validation), []).append(counts)
        return self.history[-1]

    def close(self, *, learns: bool) -> None:
        """Check the whole.

        Args:
            learns: whether the training is long enough, and on true labels.

        Raises:
            UnusablePredictions: epochs are missing, or the trained network tells no image from another.
        """
        if not self.is_full:
            raise UnusablePredictions(f"{len(self.history)} of {len(self._sets)} epochs came back")
        if learns and predicts_one_class(np.concatenate([*chain(*self._tail.values())])):
            raise UnusablePredictions("the trained network gives every pixel of every validation image the same class")

    def counts_by_image(self) -> dict[str, list[list[float]]] | None:
        """What the tail is made from, image by image; None if it is not whole."""
        if not self.is_full:
            return None
        counts = ImageCounts.of(np.concatenate([np.mean(counts, axis=0) for counts in self._tail.values()]))
        return {name: np.round(part, 2).tolist() for name, part in vars(counts).items()}


def checked_epoch(epoch: Plain) -> tuple[float, Array, float]:
    """Loss, predictions and batch dependence of an epoch as a worker sent it.

    Raises:
        UnusablePredictions: it sent something else.
    """
    match epoch:
        case {"loss": float(loss), "predictions": np.ndarray() as predictions, "dependence": float(dependence)}:
            return loss, predictions, dependence
        case _:
            raise UnusablePredictions("an epoch without a loss, predictions and what they depend on")
