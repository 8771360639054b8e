"""The logits of one training, epoch by epoch, to its history: every answer is checked before it counts."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from grading.running.journal import tail_length
from grading.scoring.metrics import Array, Parts, UnusableLogits, counted, predicts_one_class, usable
from grading.running.validation import ValidationSet
from grading.protocol.wire import Plain

# How far the logits of the same image may lie apart, see `Disguise.discord`. Float32 convolutions of another batch size
# round otherwise by some 1e-5 (FCN8s on CamVid: 3e-6 on an H200); there, TF32, which a submission may switch on, makes
# 0.005. Dropout makes 0.1.
DISCORD = {"cpu": 1e-3, "cuda": 0.02}


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

    def add(self, report: Plain, device: str) -> dict[str, float]:
        """Score the next epoch.

        Raises:
            UnusableLogits: it cannot be.
        """
        loss, logits = checked_epoch(report)
        one = self._sets[len(self.history)]
        shape = (len(one.disguise.order), *one.labels.shape[1:])
        usable(logits, shape, self._num_classes)
        if (discord := one.disguise.discord(logits)) > DISCORD[device]:
            raise UnusableLogits(
                "asked: in eval mode, the logits of an image whatever batch it is in\n"
                f"got:   logits of the same image that differ by {discord:.1%} of their size\n"
                "hint:  dropout or batch normalisation still works as in training: does the network override train() "
                "or eval(), hold layers that are not registered, call F.dropout without training=self.training, or "
                "switch to half precision by itself?"
            )
        counts = counted(one.disguise.logits(logits), one.labels)
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

    def images(self) -> dict[str, list[list[float]]] | None:
        """What the tail is made from, image by image; None where it is not whole."""
        if not self.is_full:
            return None
        parts = Parts.of(np.concatenate([np.mean(counts, axis=0) for counts in self._tail.values()]))
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
