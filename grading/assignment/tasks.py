"""The two tasks of the homework, as assignment.toml knows them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskFacts:
    """What assignment.toml may ask of a task; `grading.tasks` holds what a grading does with it.

    Attributes:
        decisive: metrics that a verdict may rest on.
        metrics: all that are measured, in the order of a history; see `grading.scoring.metrics`.
        builds: which of the student's functions may build a network of this task, as assignment.toml calls them.
        sizes: whole numbers in a protocol.
        option: the command line's option that names the data of the `report` profile, without its dashes.
        needs: the entry that a configuration of this task has and others do not.
        num_classes: None if a configuration says it.
        trains_every_parameter: whether `trains = "all"` means that no parameter is frozen. FCN8s leaves it to the
            encoder that it is given.
    """

    name: str
    decisive: tuple[str, ...]
    metrics: tuple[str, ...]
    builds: tuple[str, ...]
    sizes: tuple[str, ...]
    option: str
    needs: str
    num_classes: int | None
    trains_every_parameter: bool


CLASSIFICATION = TaskFacts(
    "classification",
    decisive=("accuracy",),
    metrics=("accuracy",),
    builds=("case", "challenger"),
    sizes=("epochs", "batch_size", "crop", "resize"),
    option="faces",
    needs="augmentation",
    num_classes=2,
    trains_every_parameter=True,
)
SEGMENTATION = TaskFacts(
    "segmentation",
    decisive=("miou_reported", "miou_standard"),
    metrics=("miou_reported", "accuracy_reported", "miou_standard", "accuracy_standard"),
    builds=("fcn8s",),
    sizes=("epochs", "batch_size", "crop"),
    option="camvid",
    needs="classes",
    num_classes=None,
    trains_every_parameter=False,
)
TASKS = {task.name: task for task in (CLASSIFICATION, SEGMENTATION)}
