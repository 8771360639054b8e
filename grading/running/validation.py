"""What a training is measured on: validation pictures, set by set, and the labels that stay with the grader.

In `mini` the pictures are drawn, and the drawing code is public: whoever has it can draw the usual validation pictures
again. The last fifth of the epochs, which the verdict rests on, is therefore measured on pictures that are drawn from
the machine's secret, other ones for each submission, after it was handed in. Each of these epochs has a share of them:
as the network hardly changes any more, this says as much as if each epoch had all.
"""

import hmac
from functools import partial

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Configuration
from grading.assignment.tasks import TASKS
from grading.assignment.training_record import tail_length
from grading.data.arrays import Images
from grading.data.crops import centre_crop
from grading.data.generated import secret_pictures
from grading.running.plan import Plan
from grading.scoring.blinding import Blinding
from grading.scoring.control import FaceRule, Rule, StreetRule, secret_rule
from grading.scoring.metrics import Array, metrics_of, reduced_labels
from grading.scoring.validation_set import Metrics, ValidationSet


def validation_sets(
    plan: Plan, configuration: Configuration, seed: int, rule: Rule | None = None
) -> list[ValidationSet]:
    """The sets of one training, in the order of its epochs: the usual pictures, then secret ones where they are drawn.

    Args:
        rule: of a control, see `training_rule`.
    """
    epochs = int(plan.protocol(configuration)["epochs"])
    data = plan.datasets[configuration.task]
    pictures: list[tuple[Images | NDArray[np.uint8], NDArray[np.uint8], int]]
    if plan.profile.secret_pictures(configuration.task) is None:
        pictures = [(data.validation_images, data.validation_labels, epochs)]
    else:
        late = tail_length(epochs)
        secret = zip(*(np.array_split(array, late) for array in _secret(plan, configuration.task, seed)), strict=True)
        pictures = [(data.validation_images, data.validation_labels, epochs - late)]
        pictures += [(images, labels, 1) for images, labels in secret]
    sets = []
    for part, (images, labels, count) in enumerate(pictures):
        if count:
            shown, scored, metrics = _measured(plan, configuration, rule, images, labels)
            blinding = Blinding.draw(
                plan.key,
                f"{configuration.id} seed {seed}",
                part=part,
                images=len(shown),
                classes=plan.num_classes(configuration),
            )
            sets.append(ValidationSet(shown, scored, blinding, count, metrics))
    return sets


def scored_labels(plan: Plan, configuration: Configuration) -> NDArray[np.uint8]:
    """The labels that the tail of a configuration's first seed is scored against."""
    sets = validation_sets(plan, configuration, 0)
    return np.concatenate([one.labels for one in sets[1:] or sets])


def training_rule(plan: Plan, configuration: Configuration, seed: int, labels: Array) -> Rule:
    """The secret rule of a control.

    Args:
        labels: of the training images, CamVid's or those of faces.
    """
    images = plan.datasets[configuration.task].train_images
    purpose = f"{plan.fingerprint} {configuration.id} seed {seed}"
    return secret_rule(plan.key, purpose, configuration, plan.assignment.control, images, labels)


def _secret(plan: Plan, task: str, seed: int) -> tuple[Array, NDArray[np.uint8]]:
    """Images and labels that nobody can have seen before; a calibration takes other ones for each seed."""
    count = plan.profile.secret_pictures(task)
    assert count is not None
    purpose = f"pictures {plan.fingerprint}" + (f" seed {seed}" if plan.pictures_by_seed else "")
    digest = hmac.digest(plan.key, purpose.encode(), "sha256")
    return secret_pictures(task, count, int.from_bytes(digest[:8], "little"))


def draw_secret_pictures(plan: Plan) -> None:
    """Draw what the plan's trainings will be measured on, so that they need not wait for it."""
    for task in plan.datasets:
        if plan.profile.secret_pictures(task) is not None:
            _secret(plan, task, 0)


def _measured(
    plan: Plan,
    configuration: Configuration,
    rule: Rule | None,
    images: Images | NDArray[np.uint8],
    labels: NDArray[np.uint8],
) -> tuple[Images | NDArray[np.uint8], NDArray[np.uint8], Metrics]:
    """Pictures as a configuration shows them, the labels that its answers are scored against, and its metrics."""
    metrics: Metrics = partial(metrics_of, TASKS[configuration.task].metrics)
    if configuration.classes is None:
        return images, labels, rule.comparison(images, labels).metrics if isinstance(rule, FaceRule) else metrics
    stacked = images if isinstance(images, np.ndarray) else images.stacked()
    crop = plan.protocol(configuration)["crop"]
    images, labels = centre_crop(stacked, crop), centre_crop(labels, crop)
    if isinstance(rule, StreetRule):
        comparison = rule.comparison(images, labels, configuration.classes)
        return images, comparison.labels, comparison.metrics
    return images, reduced_labels(labels, configuration.classes), metrics
