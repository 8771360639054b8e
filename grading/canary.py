"""A submission that was trained on shuffled labels has nothing to know: if it knows, it was told."""

import numpy as np

from grading.journal import Run
from grading.scoring import Array, counted, metrics_of


def chance(task: str, metric: str, labels: Array, num_classes: int) -> float:
    """The metric of the best constant answer: the most frequent class everywhere."""
    frequent = int(np.bincount(labels[labels < num_classes].ravel(), minlength=num_classes).argmax())
    logits = np.zeros((len(labels), num_classes, *labels.shape[1:]), dtype=np.float32)
    logits[:, frequent] = 1
    return metrics_of(task, counted(logits, labels))[metric]


def sings(run: Run, metric: str, *, by_chance: float, threshold: float) -> str | None:
    """Why a canary's training is suspicious; None where it is as ignorant as it should be.

    Suspicious is whatever lies further from chance, on either side, than half the way to the gate's threshold. Two
    classes that are known but exchanged lie as far below chance as above it.
    """
    if run.failure is not None:
        return None
    tail, allowed = run.tail(metric), (threshold - by_chance) / 2
    if abs(tail - by_chance) <= allowed:
        return None
    return (
        f"trained on shuffled labels it still reaches {tail:.4f}, more than {allowed:.4f} from the {by_chance:.4f} of "
        "chance: does it know the validation images?"
    )
