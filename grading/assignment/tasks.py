"""The two tasks of the homework."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """What the configurations of a task have in common.

    Attributes:
        decisive: metrics that a verdict may rest on.
        metrics: all that are measured, in the order of a history; see `grading.scoring.metrics`.
        builds: which of the student's functions may build a network of this task, as assignment.toml calls them.
        sizes: whole numbers in a protocol.
        option: what names the data in the `report` profile.
    """

    name: str
    decisive: tuple[str, ...]
    metrics: tuple[str, ...]
    builds: tuple[str, ...]
    sizes: tuple[str, ...]
    option: str


CLASSIFICATION = Task(
    "classification",
    decisive=("accuracy",),
    metrics=("accuracy",),
    builds=("case", "challenger"),
    sizes=("epochs", "batch_size", "crop", "resize"),
    option="--faces",
)
SEGMENTATION = Task(
    "segmentation",
    decisive=("miou_reported", "miou_standard"),
    metrics=("miou_reported", "accuracy_reported", "miou_standard", "accuracy_standard"),
    builds=("fcn8s",),
    sizes=("epochs", "batch_size", "crop"),
    option="--camvid",
)
TASKS = {task.name: task for task in (CLASSIFICATION, SEGMENTATION)}
