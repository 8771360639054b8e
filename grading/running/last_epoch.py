"""What is kept of a training for people to look at: its network's layers, and answers of its last epoch."""

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Configuration
from grading.protocol.text import cleaned
from grading.protocol.wire import Plain
from grading.running.evidence import Answers, Layer
from grading.scoring.metrics import confusion_per_image
from grading.scoring.validation_set import ValidationSet
from grading.tasks.registry import task_of


def layers_in(event: Plain) -> tuple[Layer, ...]:
    """The layers that a worker claims a network to have; empty for nonsense."""
    claimed = event.get("layers") if isinstance(event, dict) else None
    layers = []
    for claim in claimed if isinstance(claimed, list) else ():
        match claim:
            case [str(name), str(kind), list(shape), int(parameters), int(trains)] if _are_sizes(shape):
                layers.append(Layer(cleaned(name), cleaned(kind), tuple(shape), parameters, trains))
            case _:
                return ()
    return tuple(layers)


def answers_in(event: Plain, configuration: Configuration, validation: ValidationSet) -> Answers:
    """What is kept of the event of a training's last epoch, which has been scored.

    Args:
        validation: what the epoch is measured on.
    """
    task, blinding, labels = task_of(configuration), validation.blinding, validation.labels
    true_class = np.argsort(blinding.class_permutation).astype(np.uint8)
    predictions = true_class[blinding.in_true_order(event["predictions"])]
    classes = configuration.num_classes
    # The last row of each image counts pixels that have no class.
    confusion = confusion_per_image(predictions, labels, classes).sum(axis=0)[:classes]
    confidence = _confidence_in(event, len(blinding.order))
    if confidence is not None:
        confidence = blinding.in_true_order(confidence)
    chosen = task.worth_a_look(labels, predictions, confidence)
    return Answers(
        confusion,
        task.to_look_at([validation.images[index] for index in chosen.tolist()]),
        labels[chosen],
        predictions[chosen],
        None if confidence is None else confidence[chosen],
    )


def _confidence_in(event: Plain, count: int) -> NDArray[np.float32] | None:
    """The confidences that a worker claims; None for nonsense."""
    claimed = event.get("confidence")
    if not isinstance(claimed, np.ndarray) or claimed.dtype != np.float32 or claimed.shape != (count,):
        return None
    return claimed if ((claimed >= 0) & (claimed <= 1)).all() else None  # not if one is NaN


def _are_sizes(shape: list[Plain]) -> bool:
    return all(type(side) is int and side >= 0 for side in shape)
