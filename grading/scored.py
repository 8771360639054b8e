"""The logits of one training, epoch by epoch, to its history: every answer is checked before it counts."""

import numpy as np

from grading.assignment import Configuration
from grading.disguise import Disguise
from grading.journal import tail_length
from grading.scoring import Array, Parts, UnusableLogits, counted, metrics_of, predicts_one_class, usable
from grading.workers.wire import Plain

# How far the logits of the same image may lie apart, in standard deviations of all. Float32 convolutions of another
# batch size round otherwise by some 1e-5 (FCN8s on CamVid: 3e-6 on an H200); there, TF32, which a submission may switch
# on, makes 0.005. Dropout makes 0.1.
DISCORD = {"cpu": 1e-3, "cuda": 0.02}


class ScoredTraining:
    """Metrics of one training, from the logits that come in epoch by epoch."""

    def __init__(
        self, configuration: Configuration, labels: Array, disguise: Disguise, num_classes: int, epochs: int
    ) -> None:
        self.history: list[dict[str, float]] = []
        self._configuration = configuration
        self._labels = labels
        self._disguise = disguise
        self._num_classes = num_classes
        self._epochs = epochs
        self._tail: list[Array] = []

    @property
    def is_full(self) -> bool:
        """Whether every epoch has been scored."""
        return len(self.history) == self._epochs

    def add(self, report: Plain, device: str) -> dict[str, float]:
        """Score the next epoch.

        Raises:
            UnusableLogits: it cannot be.
        """
        loss, logits = checked_epoch(report)
        shape = (len(self._disguise.order), *self._labels.shape[1:])
        usable(logits, shape, self._num_classes)
        if (discord := self._disguise.discord(logits)) > DISCORD[device]:
            raise UnusableLogits(
                "asked: in eval mode, the logits of an image whatever batch it is in\n"
                f"got:   logits of the same image that differ by {discord:.1%} of the spread of all logits\n"
                "hint:  dropout or batch normalisation still works as in training: does the network override train() "
                "or eval(), hold layers that are not registered, call F.dropout without training=self.training, or "
                "switch to half precision by itself?"
            )
        counts = counted(self._disguise.logits(logits), self._labels)
        self.history.append(
            {"epoch": len(self.history) + 1, "loss": loss, **metrics_of(self._configuration.task, counts)}
        )
        if len(self.history) > self._epochs - tail_length(self._epochs):
            self._tail.append(counts)
        return self.history[-1]

    def close(self, *, learns: bool) -> None:
        """Check the whole.

        Args:
            learns: whether the training is long enough, and on true labels.

        Raises:
            UnusableLogits: epochs are missing, or the trained network tells no image from another.
        """
        if not self.is_full:
            raise UnusableLogits(f"{len(self.history)} of {self._epochs} epochs came back")
        if learns and predicts_one_class(np.sum(self._tail, axis=0)):
            raise UnusableLogits("the trained network gives every pixel of every validation image the same class")

    def images(self) -> dict[str, list[list[float]]] | None:
        """What the tail is made from, image by image; None where it is not whole."""
        if not self.is_full:
            return None
        parts = Parts.of(np.mean(self._tail, axis=0))
        return {name: np.round(part, 2).tolist() for name, part in vars(parts).items()}


def checked_epoch(epoch: Plain) -> tuple[float, Array]:
    """Loss and logits of an epoch as a worker sent it.

    Raises:
        UnusableLogits: it sent something else.
    """
    match epoch:
        case {"loss": float(loss), "logits": np.ndarray() as logits} if logits.dtype == np.float32:
            return loss, logits
        case _:
            raise UnusableLogits("an epoch without a loss and float32 logits")
