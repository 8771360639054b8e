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
from grading.assignment.training_record import tail_length
from grading.running.plan import Plan
from grading.scoring.blinding import Blinding, keyed_generator
from grading.scoring.control import Rule
from grading.scoring.metrics import Array, metrics_of
from grading.scoring.validation_set import Metrics, ValidationSet
from grading.tasks.registry import TASKS, task_of
from grading.tasks.task import Labels, Pictures


def validation_sets(
    plan: Plan, configuration: Configuration, seed: int, rule: Rule | None = None
) -> list[ValidationSet]:
    """The sets of one training, in the order of its epochs: the usual pictures, then secret ones if they are drawn.

    Args:
        rule: of a control, see `training_rule`.
    """
    purpose = f"{configuration.id} seed {seed}"
    sets = []
    for part, (images, labels, epochs) in enumerate(_parts(plan, configuration, seed)):
        if epochs:
            shown, scored, metrics = _measured(plan, configuration, rule, images, labels)
            blinding = Blinding.draw(plan.key, purpose, part=part, images=len(shown), classes=configuration.num_classes)
            sets.append(ValidationSet(shown, scored, blinding, epochs, metrics))
    return sets


def scored_labels(plan: Plan, configuration: Configuration) -> NDArray[np.uint8]:
    """The labels that the tail of a configuration's first seed is scored against."""
    sets = validation_sets(plan, configuration, 0)
    return np.concatenate([validation.labels for validation in sets[1:] or sets])


def training_rule(plan: Plan, configuration: Configuration, seed: int, labels: Array) -> Rule:
    """The secret rule of a control: the same for the same submission, configuration and seed.

    Args:
        labels: of the training images, CamVid's or those of faces.
    """
    purpose = f"rule {plan.fingerprint} {configuration.id} seed {seed}"
    generator = keyed_generator(plan.key, purpose)
    images = plan.datasets[configuration.task].train_images
    return task_of(configuration).draw_rule(generator, configuration, plan.assignment.control, images, labels)


def draw_secret_pictures(plan: Plan) -> None:
    """Draw what the plan's trainings will be measured on, so that they need not wait for it."""
    for task in plan.datasets:
        _secret(plan, task, 0)


def _parts(plan: Plan, configuration: Configuration, seed: int) -> list[tuple[Pictures, Labels, int]]:
    """Images, labels and the number of epochs that are measured on them."""
    data, epochs = plan.datasets[configuration.task], int(plan.protocol(configuration)["epochs"])
    secret = _secret(plan, configuration.task, seed)
    if secret is None:
        return [(data.validation_images, data.validation_labels, epochs)]
    late = tail_length(epochs)
    shares = zip(*(np.array_split(array, late) for array in secret), strict=True)
    usual = (data.validation_images, data.validation_labels, epochs - late)
    return [usual, *((images, labels, 1) for images, labels in shares)]


def _secret(plan: Plan, task: str, seed: int) -> tuple[Array, Labels] | None:
    """Images and labels that nobody can have seen before; None if the data are given.

    A calibration takes other ones for each seed.
    """
    count = TASKS[task].secret_count(plan.profile)
    if count is None:
        return None
    purpose = f"pictures {plan.fingerprint}" + (f" seed {seed}" if plan.pictures_by_seed else "")
    digest = hmac.digest(plan.key, purpose.encode(), "sha256")
    return TASKS[task].secret_pictures(count, int.from_bytes(digest[:8], "little"))


def _measured(
    plan: Plan, configuration: Configuration, rule: Rule | None, images: Pictures, labels: Labels
) -> tuple[Pictures, Labels, Metrics]:
    """Pictures as a configuration shows them, the labels that its answers are scored against, and its metrics."""
    task = task_of(configuration)
    images, labels = task.shown(images, labels, plan.protocol(configuration))
    if rule is None:
        return images, task.targets(labels, configuration), partial(metrics_of, task.facts.metrics)
    comparison = rule.comparison(images, labels)
    return images, comparison.labels, comparison.metrics
