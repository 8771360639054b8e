"""Whether a submission learns from the labels that it is given: a training in which some of them follow a secret rule.

The pictures are the usual ones, and most labels are true. The others follow a rule that the pictures show: the lightest
faces are of one class and the darkest of the other, whatever their make-up (`face_rule`); or the sky of the lightest
or darkest streets gets another class (`street_rule`). A network that learns from the labels learns the rule too, and
obeys it on pictures that it has never seen. A submission that knows the true answers from elsewhere does not obey the
rule, and one that guesses does not either.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import MISTAKEN, OBEYED, Configuration
from grading.assignment.training_record import Run
from grading.data.arrays import Images
from grading.scoring.metrics import Array

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True, eq=False)
class Comparison:
    """Where answers that obey a rule differ from true ones, image by image.

    Attributes:
        labels: true classes, (N,) or (N, H, W); IGNORED if a pixel is not compared.
        true, other: (N,) the class that is compared, and the one that the rule may put in its place.
        changed, unchanged: (N,) whether the rule does so, and whether it leaves the image alone.
    """

    labels: NDArray[np.uint8]
    true: NDArray[np.int64]
    other: NDArray[np.int64]
    changed: NDArray[np.bool_]
    unchanged: NDArray[np.bool_]

    def metrics(self, counts: NDArray[np.int64]) -> dict[str, float]:
        """Shares in [0, 1] of what is compared that is predicted as `other`; NaN if nothing is compared.

        Args:
            counts: of answers to these labels, see `grading.scoring.metrics.counted`.

        Returns:
            `obeyed`: where the rule says so; `mistaken`: where it does not.
        """
        rows = np.arange(len(self.true))
        all_of, taken = counts[rows, self.true].sum(axis=1), counts[rows, self.true, self.other]
        return {
            name: float(taken[where].sum() / all_of[where].sum()) if all_of[where].any() else float("nan")
            for name, where in ((OBEYED, self.changed), (MISTAKEN, self.unchanged))
        }


class Rule(Protocol):
    """A secret rule: what it makes of training labels, and how answers show whether it was learned."""

    def relabelled(self, images: Images | Array, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Training labels, (N,) or (N, H, W), under the rule."""

    def comparison(self, images: Images | Array, labels: NDArray[np.uint8]) -> Comparison:
        """Compare answers to shown validation images with their true labels, (N,) or (N, H, W)."""


def secret_order(key: bytes, purpose: str, configurations: Iterable[Configuration]) -> list[Configuration]:
    """Configurations in an order that only the secret key tells; each network is as likely to be the first."""

    def drawn(what: str) -> bytes:
        return hmac.digest(key, f"control {purpose} {what}".encode(), "sha256")

    return sorted(configurations, key=lambda c: (drawn(c.network_key), drawn(c.id)))


def gap(run: Run) -> float:
    """How much more often a control's answers follow the rule where it holds than where it does not."""
    return run.tail(OBEYED) - run.tail(MISTAKEN)
