"""The logits of one training, epoch by epoch, to its history: every answer is checked before it counts."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from grading.assignment.training_record import tail_length
from grading.protocol.wire import Plain
from grading.scoring.metrics import Array, ImageCounts, UnusableLogits, check_logits, counted, predicts_one_class
from grading.scoring.validation_set import ValidationSet

# The largest difference between the logits of two copies of an image, see `Blinding.batch_dependence`. Float32
# convolutions of another batch size round otherwise by some 1e-5 (FCN8s on CamVid: 3e-6 on an H200); there, TF32, which
# a submission may switch on, makes 0.005. Dropout makes 0.1.
MOST_DEPENDENCE = {"cpu": 1e-3, "cuda": 0.02}


class ScoredTraining:
    """Metrics of one training, from the logits that come in epoch by epoch.

    Args:
        sets: what its epochs are measured on, in their order.
    """

    def __init__(self, sets: Sequence[ValidationSet], num_classes: int) -> None:
        self.history: list[dict[str, float]] = []
        self._sets = [one for one in sets for _ in range(one.epochs)]  # by epoch
        self._num_classes = num_classes
        self._tail: dict[int, list[Array]] = {}  # by set

    @property
    def is_full(self) -> bool:
        """Whether every epoch has been scored."""
        return len(self.history) == len(self._sets)

    def add(self, event: Plain, device: str) -> dict[str, float]:
        """Score the next epoch.

        Raises:
            UnusableLogits: it cannot be.
        """
        loss, logits = checked_epoch(event)
        one = self._sets[len(self.history)]
        shape = (len(one.blinding.order), *one.labels.shape[1:])
        check_logits(logits, shape, self._num_classes)
        if (batch_dependence := one.blinding.batch_dependence(logits)) > MOST_DEPENDENCE[device]:
            raise UnusableLogits(
                "asked: in eval mode, the logits of an image whatever batch it is in\n"
                f"got:   logits of the same image that differ by {batch_dependence:.1%} of their size\n"
                "hint:  dropout or batch normalisation still works as in training: does the network override train() "
                "or eval(), hold layers that are not registered, call F.dropout without training=self.training, or "
                "switch to half precision by itself?"
            )
        counts = counted(one.blinding.logits(logits), one.labels)
        self.history.append({"epoch": len(self.history) + 1, "loss": loss, **one.metrics(counts)})
        if len(self.history) > len(self._sets) - tail_length(len(self._sets)):
            self._tail.setdefault(id(one), []).append(counts)
        return self.history[-1]

    def close(self, *, learns: bool) -> None:
        """Check the whole.

        Args:
            learns: whether the training is long enough, and on true labels.

        Raises:
            UnusableLogits: epochs are missing, or the trained network tells no image from another.
        """
        if not self.is_full:
            raise UnusableLogits(f"{len(self.history)} of {len(self._sets)} epochs came back")
        if learns and predicts_one_class(np.concatenate([*chain(*self._tail.values())])):
            raise UnusableLogits("the trained network gives every pixel of every validation image the same class")

    def counts_by_image(self) -> dict[str, list[list[float]]] | None:
        """What the tail is made from, image by image; None if it is not whole."""
        if not self.is_full:
            return None
        counts = ImageCounts.of(np.concatenate([np.mean(counts, axis=0) for counts in self._tail.values()]))
        return {name: np.round(part, 2).tolist() for name, part in vars(counts).items()}


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
